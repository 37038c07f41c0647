"""Where DynamoDB Local departs from AWS, or where AWS leaves the answer open. Each entry: what, why, and a function
of (operation, request, DynamoDB Local's answer, our answer) that recognises it."""

import dataclasses
from typing import Callable


@dataclasses.dataclass(frozen=True)
class Known:
    what: str
    why: str
    applies: Callable


KNOWN = [
    Known("a new table is ACTIVE at once",
          "AWS answers CreateTable and DeleteTable with CREATING and DELETING; the table is there a moment later.",
          lambda op, request, local, ours: op in ("CreateTable", "DeleteTable", "DescribeTable")
          and not local.error and not ours.error),
]


def known(operation, request, local, ours):
    return next((one for one in KNOWN if one.applies(operation, request, local, ours)), None)
