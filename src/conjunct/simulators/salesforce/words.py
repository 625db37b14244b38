"""The words that made-up records are of, and the values of picklists that several objects share."""

from __future__ import annotations

FIRST_NAMES = (
    "Ava", "Ben", "Carla", "David", "Elif", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Keiko", "Liam", "Mina",
    "Noah", "Olga", "Priya", "Quentin", "Rosa", "Samir", "Tara", "Umar", "Vera", "Wei", "Yara", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Adams", "Becker", "Costa", "Dubois", "Evans", "Fischer", "García", "Hansen", "Ito", "Jensen", "Khan", "Lopez",
    "Meyer", "Novak", "O'Brien", "Patel", "Quinn", "Rossi", "Sato", "Torres", "Ueda", "Varga", "Weber", "Young",
)  # fmt: skip
COMPANY_WORDS = ("Northwind", "Bluebird", "Granite", "Harbor", "Juniper", "Lumen", "Meridian", "Orchard", "Summit")
COMPANY_KINDS = ("Labs", "Foods", "Systems", "Logistics", "Partners", "Energy", "Health")
CITIES = (
    ("Berlin", None, "10115", "Germany"),
    ("Lisbon", None, "1100-148", "Portugal"),
    ("Austin", "TX", "73301", "United States"),
    ("Osaka", None, "530-0001", "Japan"),
)
TITLES = ("Engineer", "Head of Sales", "Product Manager", "Analyst", "Founder", "Buyer", "Consultant")
INDUSTRIES = ("Technology", "Retail", "Banking", "Machinery", "Healthcare")
RATINGS = ("Hot", "Warm", "Cold")
LEAD_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
STAGES = ("Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost")
