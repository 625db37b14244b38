"""The simulated account's further objects: activities, goods, bills. Facts only."""

from __future__ import annotations

from conjunct.simulators.hubspot.definitions import ObjectType, Property
from conjunct.simulators.hubspot.property_makers import choice, moment, number, owner, system, text

_STAMP = "hs_lastmodifieddate"
_DONE = (("NOT_STARTED", "Not started"), ("IN_PROGRESS", "In progress"), ("COMPLETED", "Completed"))
_DIRECTIONS = (("INBOUND", "Inbound"), ("OUTBOUND", "Outbound"))


def _object(
    name: str,
    singular: str,
    type_id: str,
    share: int,
    touched: str,
    *properties: Property,
    created: str = "hs_createdate",
    read_only: bool = False,
) -> ObjectType:
    """An object whose first property is its main one; ids begin where its type id says."""
    return ObjectType(
        name=name,
        singular=singular,
        label=singular.capitalize().replace("_", " "),
        type_id=type_id,
        first_id=40_000_000_001 + int(type_id.removeprefix("0-")) * 1_000_000_000,
        share=share,
        stamp=_STAMP,
        default=(created, _STAMP, "hs_object_id", properties[0].name),
        searchable=(properties[0].name,),
        touched=touched,
        created=created,
        read_only=read_only,
        properties=(*system(_STAMP, created), owner(), *properties),
    )


def _activity(name: str, singular: str, type_id: str, share: int, touched: str, *properties: Property) -> ObjectType:
    return _object(name, singular, type_id, share, touched, *properties, moment("hs_timestamp", "Activity date"))


MORE_OBJECTS = (
    _object(
        "products",
        "product",
        "0-7",
        40,
        "description",
        text("name", "Name"),
        text("description", "Description", "textarea"),
        text("hs_sku", "SKU"),
        number("price", "Unit price"),
        created="createdate",
    ),
    _object(
        "line_items",
        "line_item",
        "0-8",
        5,
        "description",
        text("name", "Name"),
        text("description", "Description", "textarea"),
        number("quantity", "Quantity"),
        number("price", "Unit price"),
        number("amount", "Net price"),
        created="createdate",
    ),
    _object(
        "quotes",
        "quote",
        "0-14",
        40,
        "hs_status",
        text("hs_title", "Quote Title"),
        choice("hs_status", "Quote Status", (("DRAFT", "Draft"), ("APPROVED", "Approved"), ("REJECTED", "Rejected"))),
        moment("hs_expiration_date", "Expiration Date"),
    ),
    _activity(
        "calls",
        "call",
        "0-48",
        20,
        "hs_call_direction",
        text("hs_call_title", "Call Title"),
        text("hs_call_body", "Call notes", "html"),
        choice("hs_call_direction", "Call direction", _DIRECTIONS),
        number("hs_call_duration", "Call duration"),
    ),
    _activity(
        "emails",
        "email",
        "0-49",
        10,
        "hs_email_status",
        text("hs_email_subject", "Email subject"),
        text("hs_email_text", "Text body", "textarea"),
        choice("hs_email_status", "Send status", (("SENT", "Sent"), ("BOUNCED", "Bounced"), ("FAILED", "Failed"))),
    ),
    _activity(
        "meetings",
        "meeting",
        "0-47",
        20,
        "hs_meeting_outcome",
        text("hs_meeting_title", "Meeting name"),
        text("hs_meeting_body", "Meeting notes", "html"),
        choice("hs_meeting_outcome", "Meeting outcome", (("SCHEDULED", "Scheduled"), ("COMPLETED", "Completed"))),
    ),
    _activity("notes", "note", "0-46", 10, "hs_note_body", text("hs_note_body", "Note body", "html")),
    _activity(
        "tasks",
        "task",
        "0-27",
        10,
        "hs_task_status",
        text("hs_task_subject", "Task Title"),
        text("hs_task_body", "Task notes", "html"),
        choice("hs_task_status", "Task Status", _DONE),
    ),
    _activity(
        "communications",
        "communication",
        "0-18",
        40,
        "hs_communication_channel_type",
        text("hs_communication_body", "Body", "textarea"),
        choice("hs_communication_channel_type", "Channel", (("SMS", "SMS"), ("WHATS_APP", "WhatsApp"))),
    ),
    _activity("postal_mail", "postal_mail", "0-116", 40, "hs_postal_mail_body", text("hs_postal_mail_body", "Body")),
    _object(
        "feedback_submissions",
        "feedback_submission",
        "0-19",
        40,
        "hs_content",
        text("hs_content", "Comment", "textarea"),
        number("hs_value", "Rating"),
        read_only=True,
    ),
    _object(
        "leads",
        "lead",
        "0-136",
        20,
        "hs_lead_label",
        text("hs_lead_name", "Lead Name"),
        choice("hs_lead_label", "Lead Label", (("WARM", "Warm"), ("COLD", "Cold"), ("HOT", "Hot"))),
    ),
    _object(
        "orders",
        "order",
        "0-123",
        20,
        "hs_fulfillment_status",
        text("hs_order_name", "Order Name"),
        text("hs_fulfillment_status", "Fulfillment Status"),
        number("hs_total_price", "Total"),
    ),
    _object(
        "carts",
        "cart",
        "0-142",
        40,
        "hs_cart_name",
        text("hs_cart_name", "Cart Name"),
        number("hs_total_price", "Total"),
    ),
    _object(
        "invoices",
        "invoice",
        "0-53",
        20,
        "hs_invoice_status",
        text("hs_title", "Title"),
        choice("hs_invoice_status", "Status", (("draft", "Draft"), ("open", "Open"), ("paid", "Paid"))),
        number("hs_amount_billed", "Amount billed"),
    ),
    _object(
        "subscriptions",
        "subscription",
        "0-69",
        40,
        "hs_status",
        text("hs_name", "Name"),
        choice("hs_status", "Status", (("active", "Active"), ("past_due", "Past due"), ("canceled", "Canceled"))),
    ),
    _object(
        "goal_targets",
        "goal_target",
        "0-74",
        100,
        "hs_goal_name",
        text("hs_goal_name", "Goal Name"),
        number("hs_target_amount", "Target Amount"),
    ),
    _object("taxes", "tax", "0-86", 100, "hs_label", text("hs_label", "Label"), number("hs_value", "Value")),
)
