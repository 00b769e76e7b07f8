//! Targets that parse and do nothing yet. A matrix that names one refuses promotions until that is
//! accepted by name.

use towpath_ports::target::Target;
use towpath_ports::{Family, Kind};

pub(super) const DOCKER: Kind<dyn Target> = Kind::planned(
    Family::Target,
    "docker",
    "Containers of a Docker host, reached locally or over ssh.",
    "{ kind: docker, host: \"ssh://deploy@staging\", image: api }",
);
pub(super) const LAMBDA: Kind<dyn Target> = Kind::planned(
    Family::Target,
    "lambda",
    "Versions of an AWS Lambda function.",
    "{ kind: lambda, function: api, region: us-east-1 }",
);
pub(super) const CLOUDFORMATION: Kind<dyn Target> = Kind::planned(
    Family::Target,
    "cloudformation",
    "Stacks of AWS CloudFormation, changed by change sets.",
    "{ kind: cloudformation, stack: api-production, template: template.yaml }",
);
pub(super) const COMMAND: Kind<dyn Target> = Kind::planned(
    Family::Target,
    "command",
    "Programs of your own that start, look and stop.",
    "{ kind: command, start: [./deploy.sh], stop: [./remove.sh] }",
);
