# mypy: ignore-errors
# The names are those of Twisted, which is in the environment of this program alone.
"""Serves one mailbox from memory with Twisted; commands come as lines of JSON."""

from __future__ import annotations

import json
import sys
from io import BytesIO

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet import reactor, ssl, stdio
from twisted.internet.protocol import Factory
from twisted.mail import imap4
from twisted.protocols.basic import FileSender, LineReceiver
from zope.interface import implementer

USER, PASSWORD = "claims@example.com", 'päss"word'

messages: dict[int, bytes] = {}
state = {"validity": 7, "next": 1, "fetched": 0, "commands": [], "whole": False}


@implementer(imap4.IMessageFile)
class Message:
    def __init__(self, uid: int) -> None:
        self.uid = uid

    def getUID(self):
        return self.uid

    def getFlags(self):
        return []

    def getInternalDate(self):
        return "01-Jan-2026 00:00:00 +0000"

    def getSize(self):
        return len(messages[self.uid])

    def isMultipart(self):
        return False

    def getSubPart(self, part):
        raise TypeError

    def getHeaders(self, negate, *names):
        return {}

    def getBodyFile(self):
        raise TypeError

    # the whole message, as it came
    def open(self):
        state["fetched"] += 1
        return BytesIO(messages[self.uid])


@implementer(imap4.IMailbox, imap4.ISearchableMailbox)
class Mailbox:
    def getUIDValidity(self):
        return state["validity"]

    def getUIDNext(self):
        return state["next"]

    def getUID(self, number):
        return sorted(messages)[number - 1]

    def getMessageCount(self):
        return len(messages)

    def getRecentCount(self):
        return 0

    def getUnseenCount(self):
        return 0

    def isWriteable(self):
        return False

    def getFlags(self):
        return []

    def getHierarchicalDelimiter(self):
        return "/"

    def addListener(self, listener):
        return True

    def removeListener(self, listener):
        return True

    def requestStatus(self, names):
        return imap4.statusRequestHelper(self, names)

    def destroy(self):
        raise imap4.MailboxException("no")

    def expunge(self):
        raise imap4.ReadOnlyMailbox("no")

    def addMessage(self, message, flags=(), date=None):
        raise imap4.ReadOnlyMailbox("no")

    def store(self, wanted, flags, mode, uid):
        state["commands"].append("STORE")
        raise imap4.ReadOnlyMailbox("no")

    def search(self, query, uid):
        return []

    def fetch(self, wanted, uid):
        numbered = list(enumerate(sorted(messages), 1))
        last = max(messages, default=0) if uid else len(messages)
        wanted.last = last
        chosen = [(n, u) for n, u in numbered if (u if uid else n) in wanted]
        return [(n, Message(u)) for n, u in chosen]


class Account(imap4.MemoryAccountWithoutNamespaces):
    def _emptyMailbox(self, name, id):
        return Mailbox()


class Realm:
    def requestAvatar(self, avatar, mind, *interfaces):
        account = Account(avatar)
        for name in ("INBOX", "Schäden"):
            account.addMailbox(name, Mailbox())
        return imap4.IAccount, account, lambda: None


portal = Portal(Realm())
checker = InMemoryUsernamePasswordDatabaseDontUse()
checker.addUser(USER.encode(), PASSWORD.encode())
portal.registerChecker(checker)


class Protocol(imap4.IMAP4Server):
    """Twisted's own answers a part of a message with the whole; most others with the part."""

    def spew_body(self, part, id, msg, _w=None, _f=None):
        if state["whole"] or part.partialBegin is None:
            return super().spew_body(part, id, msg, _w, _f)
        begin = part.partialBegin
        piece = msg.open().read()[begin : begin + part.partialLength]
        _w(b"BODY[]<%d> {%d}\r\n" % (begin, len(piece)))
        _f()
        return FileSender().beginFileTransfer(BytesIO(piece), self.transport)


class Server(Factory):
    def buildProtocol(self, address):
        made = Protocol()
        made.portal = portal
        made.challengers = {b"PLAIN": imap4.PLAINCredentials}
        made.factory = self
        return made


class Control(LineReceiver):
    delimiter, MAX_LENGTH = b"\n", 10_000_000

    def lineReceived(self, line):
        asked = json.loads(line)
        answer = {}
        if asked["command"] == "deliver":
            uid = state["next"]
            messages[uid] = asked["message"].encode()
            state["next"] = uid + 1
            answer = {"uid": uid}
        elif asked["command"] == "remove":
            del messages[asked["uid"]]
        elif asked["command"] == "renumber":
            kept = [messages.pop(uid) for uid in sorted(messages)]
            state["validity"] += 1
            for message in kept:
                messages[state["next"]] = message
                state["next"] += 1
        elif asked["command"] == "clear":
            messages.clear()
            state.update(validity=7, next=1, fetched=0, commands=[], whole=False)
        elif asked["command"] == "whole":
            state["whole"] = True
        elif asked["command"] == "fetched":
            answer = {"fetched": state["fetched"], "commands": state["commands"]}
            state["fetched"] = 0
        self.sendLine(json.dumps(answer).encode())

    def connectionLost(self, reason=None):
        if reactor.running:
            reactor.stop()


arguments = sys.argv[1:]
if arguments:
    context = ssl.DefaultOpenSSLContextFactory(arguments[1], arguments[0])
    port = reactor.listenSSL(0, Server(), context, interface="127.0.0.1")
else:
    port = reactor.listenTCP(0, Server(), interface="127.0.0.1")
control = Control()
stdio.StandardIO(control)
control.sendLine(json.dumps({"port": port.getHost().port}).encode())
reactor.run()
