//! Targets that parse and do nothing yet. A matrix that names one refuses promotions until that is
//! accepted by name.

use towpath_ports::target::Target;
use towpath_ports::{Family, Kind, KindEntry, KindState};

pub(super) const DOCKER: Kind<dyn Target> = planned(
    "docker",
    "Containers of a Docker host, reached locally or over ssh.",
    "{ kind: docker, host: \"ssh://deploy@staging\", image: api }",
);
pub(super) const LAMBDA: Kind<dyn Target> = planned(
    "lambda",
    "Versions of an AWS Lambda function.",
    "{ kind: lambda, function: api, region: us-east-1 }",
);
pub(super) const CLOUDFORMATION: Kind<dyn Target> = planned(
    "cloudformation",
    "Stacks of AWS CloudFormation, changed by change sets.",
    "{ kind: cloudformation, stack: api-production, template: template.yaml }",
);
pub(super) const COMMAND: Kind<dyn Target> = planned(
    "command",
    "Programs of your own that start, look and stop.",
    "{ kind: command, start: [./deploy.sh], stop: [./remove.sh] }",
);

const fn planned(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
) -> Kind<dyn Target> {
    Kind {
        entry: KindEntry {
            family: Family::Target,
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
