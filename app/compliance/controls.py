"""Names each control: what it answers to, what we do, what shows it, and what is the operator's.

`docs/compliance.md` is written from this list, and a test holds it to it: each test that is named
is there, and each protection is one that `navigator doctor` tries.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Control:
    """One control.

    Attributes:
        hipaa: sections of 45 CFR 164 that it serves. gdpr: articles that it serves.
        done: what the system does.
        tests: files under `tests/` that attack or exercise it.
        protections: lines of `navigator doctor` that say whether it is in force here.
        facts: parts of `navigator evidence` that show that it works.
        operator: what no program can do for the operator.
    """

    name: str
    hipaa: tuple[str, ...]
    gdpr: tuple[str, ...]
    done: str
    tests: tuple[str, ...]
    protections: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    operator: str = ""


CONTROLS = (
    Control(
        "Access control", ("312(a)(1)", "308(a)(4)"), ("25", "32(1)(b)"),
        "Forced row-level security on every table with user data; readers have a login that "
        "cannot become the pipeline; each door checks for itself who asks.",
        ("pipeline/store/test_row_level_security.py", "security/test_database_logins.py",
         "security/test_tenants.py"),
        ("Database login", "Users"), ("row_level_security",),
        "Give tokens to the right people, and take them away again.",
    ),
    Control(
        "Person authentication", ("312(d)",), ("32(1)(b)",),
        "Signed tokens with issuer, audience and end; a name and an id never meet.",
        ("security/test_identity.py", "security/test_token_first.py"), ("API",), (),
        "Run the identity provider, with a second factor.",
    ),
    Control(
        "Audit controls", ("312(b)", "308(a)(1)(ii)(D)", "528"), ("5(2)", "30"),
        "Every transition of a document and every reading of an original, page, search, export "
        "and erasure is written to tables that may only be added to.",
        ("pipeline/store/test_row_level_security.py", "pipeline/store/test_evidence.py"),
        (), ("append_only", "access", "access_log"),
        "Look through the access log; keep the exported one for six years.",
    ),
    Control(
        "Integrity", ("312(c)(1)", "312(c)(2)"), ("5(1)(d)", "5(1)(f)"),
        "Originals and texts are kept with their hashes and compared hourly; the gate publishes "
        "only what it judged, and says what a page lacks.",
        ("stages/reconciling", "checks"), (), ("maintenance",),
        "Look at what needs a person.",
    ),
    Control(
        "Transmission security", ("312(e)(1)",), ("32(1)(a)",),
        "TLS is demanded of every connection outside this machine, by one rule.",
        ("security/test_forwarding.py", "security/test_outgoing_addresses.py"),
        ("Connections",), (),
        "Certificates and their renewal; what a host in NAVIGATOR_PLAIN_HOSTS may hear.",
    ),
    Control(
        "Encryption at rest", ("312(a)(2)(iv)",), ("32(1)(a)",),
        "What is stored is as encrypted as what it lies on; `navigator doctor` tells what it sees.",
        ("app/doctor/test_transport_protections.py",), ("Encryption at rest",), (),
        "Encrypt disks, buckets and backups; keep the keys apart from them.",
    ),
    Control(
        "Files of the machine", ("310(c)", "312(a)(1)"), ("32(1)(b)",),
        "Everything in the home, every report and every backup is its owner's alone from its "
        "first moment.",
        ("security/test_file_modes.py", "security/test_postgres_account.py"),
        ("Home folder access", "File modes", "Postgres account"), (),
        "Lock the rooms; remove media safely.",
    ),
    Control(
        "Protection from malicious files", ("308(a)(5)(ii)(B)",), ("32(1)(b)",),
        "Parsers run in a sandbox without network, files or new processes, within limits.",
        ("security/test_parser_sandbox.py", "security/test_parsers_in_their_sandbox.py"),
        ("Parser sandbox",), (),
    ),
    Control(
        "Contingency plan", ("308(a)(7)",), ("32(1)(b)", "32(1)(c)"),
        "Backup and restore, compared with what was saved; what a kill interrupts is finished.",
        ("app/stack/test_backup.py", "flows/test_killing.py"), (), (),
        "Make backups on a schedule, keep one elsewhere, rehearse (docs/disaster-recovery.md).",
    ),
    Control(
        "Evaluation before and after a change", ("308(a)(8)",), ("32(1)(d)",),
        "A release is verified against a baseline before and after it is deployed, and takes "
        "itself back; drift from what is declared is found.",
        ("deployments/test_rollouts.py", "deployments/drift"), (), ("releases",),
        "Decide what drift is accepted.",
    ),
    Control(
        "Access of the data subject", ("524",), ("15", "20"),
        "`GET /users/me/export` gives everything that is kept of a user, with links to the "
        "originals.",
        ("app/api/test_users.py",), (), ("access",),
        "Know who asks.",
    ),
    Control(
        "Erasure", ("310(d)(2)(i)",), ("17",),
        "`navigator erase` and `DELETE /users/me` remove everything that says something of a "
        "user, and say what they do not reach.",
        ("app/api/test_users.py",), (), ("erasures",),
        "Age out backups and copies of reports.",
    ),
    Control(
        "Storage limitation", ("316(b)(2)(i)",), ("5(1)(e)",),
        "`navigator retention` deletes documents some time after their newest version.",
        ("pipeline/store/test_retention.py",), (), ("retention_rules",),
        "Set the rules that the law of your place asks for.",
    ),
    Control(
        "Legal hold", ("316(b)(2)(i)",), ("17(3)(e)", "18"),
        "`navigator hold` keeps documents from deletion, erasure, sync and retention.",
        ("pipeline/store/test_holds.py",), (), ("holds",),
        "Place and lift holds.",
    ),
    Control(
        "Minimum necessary", ("502(b)",), ("5(1)(c)", "25(2)"),
        "No names in Prefect, logs, metrics or alerts; providers get texts alone, one user's at a "
        "time; local parsers and models by default.",
        ("pipeline/test_redaction.py", "flows/test_results.py"), (), (),
        "Choose providers, and sign agreements with them.",
    ),
    Control(
        "Processors and business associates", ("308(b)(1)",), ("28", "44"),
        "`navigator evidence` names each service that documents' texts are sent to.",
        ("app/cli/test_retention.py",), (), ("providers",),
        "Have a business associate or processing agreement with each.",
    ),
    Control(
        "Incidents and breaches", ("308(a)(6)(ii)", "404"), ("33", "34"),
        "Failures are told to a person, with a runbook; the access log says who read what.",
        ("flows/test_alerting.py", "docs/test_operator_pages.py"), (), ("access",),
        "Judge whether it is a breach, and notify in time: 72 hours, or 60 days.",
    ),
)  # fmt: skip


def table() -> str:
    """The controls as `docs/compliance.md` shows them."""
    lines = [
        "| Control | HIPAA (45 CFR 164.) | GDPR (Art.) | What the system does | Tested by "
        "| Evidence | The operator's |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in CONTROLS:
        shown = [f"`doctor`: {name}" for name in each.protections]
        shown += [f"`{name}`" for name in each.facts]
        tests = ", ".join(f"`tests/{name}`" for name in each.tests)
        lines.append(
            f"| **{each.name}** | {', '.join(each.hipaa)} | {', '.join(each.gdpr)} | {each.done} "
            f"| {tests} | {', '.join(shown) or '–'} | {each.operator or '–'} |"
        )
    return "\n".join(lines)
