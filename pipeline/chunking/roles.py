def role_of(titles, text, context=""):
    return "other"
