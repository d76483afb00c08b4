"""``/v1/credit``, described."""

from config.api.openapi.lists import NO_PARAMETERS, listing
from config.api.openapi.operations import Answer, Example, Operation, envelope, succeeds
from config.api.openapi.shapes import choice, integer, moment, money, named, nullable, record, text, ulid, uuid
from numbers.api.schemas import MOMENT, ORDER_ID, currency
from numbers.models.credit import CreditEntryKind

TAG = "Credit"

GET = Operation(
    id="getCredit",
    tag=TAG,
    summary="Get the balance",
    description="What your organization can still order for. A sandbox never pays: its balance stays as it is.",
    answers=[
        Answer(
            "The balance.",
            envelope(
                "CreditAnswer",
                named(
                    "Credit",
                    record(
                        "",
                        {
                            "balance": money("What is left. It is the sum of the ledger, and never below zero."),
                            "currency": currency(),
                            "entries": integer("How many entries the ledger has.", minimum=0),
                        },
                    ),
                ),
            ),
            [Example(succeeds({"balance": "99.00", "currency": "USD", "entries": 2}))],
        )
    ],
    invalid=NO_PARAMETERS,
)

ENTRY = named(
    "CreditEntry",
    record(
        "One change of the balance. It is never changed or deleted.",
        {
            "entry": integer("Its number in your ledger: 1, 2, 3 and so on.", minimum=1),
            "kind": choice("Why the balance changed.", CreditEntryKind.values),
            "amount": money("By how much; below zero for a charge."),
            "balance_before": money("The `balance_after` of the entry before it."),
            "balance_after": money("What was left."),
            "currency": currency(),
            "order_id": nullable(uuid("The order that was charged for.")),
            "note": nullable(text("What the operator noted.")),
            "actor": text("Who did it: the prefix of one of your keys, `operator` or `system`."),
            "request_id": ulid("In which request: the `X-Request-Id` of its answer."),
            "created_at": moment("When."),
        },
    ),
)

ENTRIES = listing(
    id="listCreditEntries",
    tag=TAG,
    summary="List the ledger",
    description="Every change of your balance. Each begins where the one before it ended; the first begins at 0.00.",
    item=ENTRY,
    example={
        "entry": 2,
        "kind": "charge",
        "amount": "-1.00",
        "balance_before": "100.00",
        "balance_after": "99.00",
        "currency": "USD",
        "order_id": ORDER_ID,
        "note": None,
        "actor": "am_live_8sK2",
        "request_id": "01JTBQH2FZ8K1RXC0WJ4Z9P3VM",
        "created_at": MOMENT,
    },
    answer="CreditEntryList",
)
