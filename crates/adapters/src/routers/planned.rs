//! Routers that parse and do nothing yet. A matrix that names one refuses promotions until that is
//! accepted by name.

use towpath_ports::Kind;
use towpath_ports::catalogue::{Family, Field, FieldType, KindEntry};
use towpath_ports::router::Router;

pub(super) const NGINX: Kind<dyn Router> = Kind::planned(KindEntry::planned(
    Family::Router,
    "nginx",
    "An nginx whose upstream file is written and reloaded.",
    "{ kind: nginx, config: /etc/nginx/conf.d/api.conf }",
    &[
        Field::required("config", FieldType::Path, "The file that is written."),
        Field::optional(
            "host",
            FieldType::Text,
            "Where nginx runs, such as `ssh://deploy@proxy`; left out, this machine.",
        ),
        Field::optional("access_log", FieldType::Path, "The log that the guard reads."),
        Field::optional("reload", FieldType::Argv, "What reloads it; left out, `nginx -s reload`."),
    ],
));
pub(super) const HAPROXY: Kind<dyn Router> = Kind::planned(KindEntry::planned(
    Family::Router,
    "haproxy",
    "An HAProxy whose weights are set over its admin socket.",
    "{ kind: haproxy, socket: /run/haproxy/admin.sock, backend: api }",
    &[
        Field::required("socket", FieldType::Path, "The admin socket."),
        Field::required("backend", FieldType::Text, "The backend."),
        Field::optional(
            "state_file",
            FieldType::Path,
            "The file that keeps its state over a restart.",
        ),
    ],
));
pub(super) const ALB: Kind<dyn Router> = Kind::planned(KindEntry::planned(
    Family::Router,
    "alb",
    "Weighted target groups of an AWS application load balancer.",
    "{ kind: alb, listener: \"arn:aws:elasticloadbalancing:us-east-1:1:listener/app/api/1/2\" }",
    &[
        Field::required("listener", FieldType::Text, "The listener or rule, by its ARN."),
        Field::optional("blue", FieldType::Text, "The target group that serves first."),
        Field::optional("green", FieldType::Text, "The target group beside it."),
    ],
));
pub(super) const LAMBDA_ALIAS: Kind<dyn Router> = Kind::planned(KindEntry::planned(
    Family::Router,
    "lambda-alias",
    "The weights of an alias of an AWS Lambda function.",
    "{ kind: lambda-alias, alias: live }",
    &[
        Field::required("alias", FieldType::Text, "The alias that visitors call."),
        Field::optional("region", FieldType::Text, "The region; left out, the environment's."),
    ],
));
