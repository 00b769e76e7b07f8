//! Ways to tell people that parse and do nothing yet; what names them is listed as not enforced.

use towpath_ports::notifier::Notifier;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry};

pub(super) const PAGERDUTY: Kind<dyn Notifier> = Kind::planned(KindEntry::planned(
    Family::Notifier,
    "pagerduty",
    "An event for PagerDuty.",
    "{ kind: pagerduty, routing_key_secret: PAGERDUTY_ROUTING_KEY }",
    &[Field::required(
        "routing_key_secret",
        FieldType::Text,
        "The name of the secret with the routing key.",
    )],
));
pub(super) const PHONE: Kind<dyn Notifier> = Kind::planned(KindEntry::planned(
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
));
pub(super) const SNS: Kind<dyn Notifier> = Kind::planned(KindEntry::planned(
    Family::Notifier,
    "sns",
    "A topic of AWS SNS.",
    "{ kind: sns, topic: \"arn:aws:sns:us-east-1:1:deployments\" }",
    &[
        Field::required("topic", FieldType::Text, "The topic, by its ARN."),
        Field::optional("region", FieldType::Text, "The region; left out, that of the ARN."),
    ],
));
pub(super) const STATUS_PAGE: Kind<dyn Notifier> = Kind::planned(KindEntry::planned(
    Family::Notifier,
    "status-page",
    "A public status page with an interface for incidents.",
    "{ kind: status-page, url: \"https://status.example.org\", token_secret: STATUS_TOKEN }",
    &[
        Field::required("url", FieldType::Url, "The page."),
        Field::optional("token_secret", FieldType::Text, "The name of the secret with the token."),
    ],
));
