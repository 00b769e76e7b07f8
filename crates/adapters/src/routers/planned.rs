//! Routers that parse and do nothing yet. A matrix that names one refuses promotions until that is
//! accepted by name.

use towpath_ports::router::Router;
use towpath_ports::{Family, Kind};

pub(super) const NGINX: Kind<dyn Router> = Kind::planned(
    Family::Router,
    "nginx",
    "An nginx whose upstream file is written and reloaded.",
    "{ kind: nginx, config: /etc/nginx/conf.d/api.conf }",
);
pub(super) const HAPROXY: Kind<dyn Router> = Kind::planned(
    Family::Router,
    "haproxy",
    "An HAProxy whose weights are set over its admin socket.",
    "{ kind: haproxy, socket: /run/haproxy/admin.sock, backend: api }",
);
pub(super) const ALB: Kind<dyn Router> = Kind::planned(
    Family::Router,
    "alb",
    "Weighted target groups of an AWS application load balancer.",
    "{ kind: alb, listener: \"arn:aws:elasticloadbalancing:us-east-1:1:listener/app/api/1/2\" }",
);
