"""The application of the tests of ID tokens on a real server; its keys come from ``$SERVER_TESTS_KEYS``."""

import os

from cxfulfill import BasicAuth, GoogleIdToken, Webhook
from cxfulfill.server.flask import create_app
from tests.server.app import PASSWORD, USERNAME, plain

AUDIENCE = "https://wh.example/cx"
PROJECT_NUMBER = 123

webhook = Webhook(
    auth=GoogleIdToken(audience=AUDIENCE, project_number=PROJECT_NUMBER, keys=os.environ["SERVER_TESTS_KEYS"])
)
webhook.add_handler("plain", plain)

other = Webhook(auth=BasicAuth(USERNAME, PASSWORD), path="/other")
other.add_handler("plain", plain)

app = create_app(webhook, other)
