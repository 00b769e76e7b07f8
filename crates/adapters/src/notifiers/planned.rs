//! Ways to tell people that parse and do nothing yet; what names them is listed as not enforced.

use towpath_ports::catalogue::{Family, Field, FieldType, KindEntry};

pub(super) const SMTP: KindEntry = KindEntry::planned(
    Family::Notifier,
    "smtp",
    "Mail through an SMTP server.",
    "{ kind: smtp, server: \"smtp.example.org:587\", from: towpath@example.org, to: [team@example.org] }",
    &[
        Field::required("server", FieldType::Text, "Host and port."),
        Field::required("from", FieldType::Text, "The sender."),
        Field::required("to", FieldType::Texts, "The receivers."),
        Field::optional("user", FieldType::Text, "Who signs in."),
        Field::optional(
            "password_secret",
            FieldType::Text,
            "The name of the secret with the password.",
        ),
    ],
);
pub(super) const WEBHOOK: KindEntry = KindEntry::planned(
    Family::Notifier,
    "webhook",
    "A signed POST, or the form that a chat expects.",
    "{ kind: webhook, template: slack, url_secret: SLACK_WEBHOOK_URL }",
    &[
        Field::optional("url", FieldType::Url, "Where it is sent."),
        Field::optional("url_secret", FieldType::Text, "The name of the secret with the address."),
        Field::optional(
            "template",
            FieldType::Word(&["slack", "teams", "discord", "cloudevents"]),
            "The form of the body.",
        ),
        Field::optional(
            "signing_secret",
            FieldType::Text,
            "The name of the secret it is signed with.",
        ),
    ],
);
pub(super) const PAGERDUTY: KindEntry = KindEntry::planned(
    Family::Notifier,
    "pagerduty",
    "An event for PagerDuty.",
    "{ kind: pagerduty, routing_key_secret: PAGERDUTY_ROUTING_KEY }",
    &[Field::required(
        "routing_key_secret",
        FieldType::Text,
        "The name of the secret with the routing key.",
    )],
);
pub(super) const PHONE: KindEntry = KindEntry::planned(
    Family::Notifier,
    "phone",
    "A call or a text message.",
    "{ kind: phone, numbers_secret: ONCALL_PHONE_NUMBERS }",
    &[
        Field::required(
            "numbers_secret",
            FieldType::Text,
            "The name of the secret with the numbers.",
        ),
        Field::optional("provider", FieldType::Text, "Who makes the calls."),
    ],
);
pub(super) const SNS: KindEntry = KindEntry::planned(
    Family::Notifier,
    "sns",
    "A topic of AWS SNS.",
    "{ kind: sns, topic: \"arn:aws:sns:us-east-1:1:deployments\" }",
    &[
        Field::required("topic", FieldType::Text, "The topic, by its ARN."),
        Field::optional("region", FieldType::Text, "The region; left out, that of the ARN."),
    ],
);
pub(super) const STATUS_PAGE: KindEntry = KindEntry::planned(
    Family::Notifier,
    "status-page",
    "A public status page with an interface for incidents.",
    "{ kind: status-page, url: \"https://status.example.org\", token_secret: STATUS_TOKEN }",
    &[
        Field::required("url", FieldType::Url, "The page."),
        Field::optional("token_secret", FieldType::Text, "The name of the secret with the token."),
    ],
);
