"""Words and bounds of the US registry for messages from ten-digit numbers (10DLC).

Verticals, use cases and lengths are those of The Campaign Registry.
"""

VERTICALS = (
    "AGRICULTURE",
    "COMMUNICATION",
    "CONSTRUCTION",
    "EDUCATION",
    "ENERGY",
    "ENTERTAINMENT",
    "FINANCIAL",
    "GAMBLING",
    "GOVERNMENT",
    "HEALTHCARE",
    "HOSPITALITY",
    "HUMAN_RESOURCES",
    "INSURANCE",
    "LEGAL",
    "MANUFACTURING",
    "NGO",
    "POLITICAL",
    "POSTAL",
    "PROFESSIONAL",
    "REAL_ESTATE",
    "RETAIL",
    "TECHNOLOGY",
    "TRANSPORTATION",
)
USE_CASES = (
    "2FA",
    "ACCOUNT_NOTIFICATION",
    "AGENTS_FRANCHISES",
    "CHARITY",
    "CUSTOMER_CARE",
    "DELIVERY_NOTIFICATION",
    "EMERGENCY",
    "FRAUD_ALERT",
    "HIGHER_EDUCATION",
    "K12_EDUCATION",
    "LOW_VOLUME",
    "MARKETING",
    "MIXED",
    "POLITICAL",
    "POLLING_VOTING",
    "PROXY",
    "PUBLIC_SERVICE_ANNOUNCEMENT",
    "SECURITY_ALERT",
    "SOCIAL",
    "SWEEPSTAKE",
    "UCAAS_HIGH",
    "UCAAS_LOW",
)

# Characters.
LONGEST_REFERENCE = 64
LONGEST_LEGAL_NAME = LONGEST_WEBSITE = 255
DESCRIPTION = MESSAGE_FLOW = (40, 4_096)
SAMPLE = (20, 1_024)
MESSAGE = (20, 320)  # the texts of opt-in, opt-out and help
SAMPLES = (2, 5)  # how many
