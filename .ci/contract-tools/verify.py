# Verifies webhooks as a receiver would that knows nothing of Towpath: `python verify.py < what.json`, of {"keys": [...],
# "heard": [{"headers": {...}, "body": "..."}]}. Says for each by which keys it holds, and which of its forgeries hold.
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def holds(key, headers, body):
    try:
        Webhook(key).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def forged(headers, body):
    """Every part of it changed for itself, and all of it said an hour later."""
    yield "body", headers, body.replace("1.0.0", "6.6.6")
    yield "id", {**headers, "webhook-id": headers["webhook-id"] + "x"}, body
    moment = int(headers["webhook-timestamp"])
    yield "moment", {**headers, "webhook-timestamp": str(moment + 1)}, body
    yield "replayed", {**headers, "webhook-timestamp": str(moment - 3600)}, body
    yield "unsigned", {**headers, "webhook-signature": "v1,"}, body


asked = json.load(sys.stdin)
answers = []
for one in asked["heard"]:
    headers, body = one["headers"], one["body"]
    answers.append(
        {
            "by": [holds(key, headers, body) for key in asked["keys"]],
            "forged": [
                name
                for name, changed, text in forged(headers, body)
                if (changed, text) != (headers, body)
                and any(holds(key, changed, text) for key in asked["keys"])
            ],
        }
    )
json.dump(answers, sys.stdout)
