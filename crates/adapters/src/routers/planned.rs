//! Routers that parse and do nothing yet. A matrix that names one refuses promotions until that is
//! accepted by name.

use towpath_ports::router::Router;
use towpath_ports::{Family, Kind, KindEntry, KindState};

pub(super) const NGINX: Kind<dyn Router> = planned(
    "nginx",
    "An nginx whose upstream file is written and reloaded.",
    "{ kind: nginx, config: /etc/nginx/conf.d/api.conf }",
);
pub(super) const HAPROXY: Kind<dyn Router> = planned(
    "haproxy",
    "An HAProxy whose weights are set over its admin socket.",
    "{ kind: haproxy, socket: /run/haproxy/admin.sock, backend: api }",
);
pub(super) const ALB: Kind<dyn Router> = planned(
    "alb",
    "Weighted target groups of an AWS application load balancer.",
    "{ kind: alb, listener: \"arn:aws:elasticloadbalancing:us-east-1:1:listener/app/api/1/2\" }",
);

const fn planned(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
) -> Kind<dyn Router> {
    Kind {
        entry: KindEntry {
            family: Family::Router,
            name,
            summary,
            example,
            state: KindState::Planned,
            capabilities: &[],
            fields: &[],
            validate: |_| Vec::new(),
        },
        build: None,
    }
}
