"""The application of the tests with client certificates, whose servers run it in processes of their own."""

from cxfulfill import Webhook
from cxfulfill.auth.mtls import GOOGLE_CLIENT_SUBJECTS, MutualTls
from tests.server.app import plain

webhook = Webhook(auth=MutualTls(GOOGLE_CLIENT_SUBJECTS, allow_any_dialogflow_customer=True))
webhook.add_handler("plain", plain)
