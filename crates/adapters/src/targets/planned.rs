//! Targets that parse and do nothing yet. A matrix that names one refuses promotions until that is
//! accepted by name.

use towpath_ports::Kind;
use towpath_ports::catalogue::{Family, Field, FieldType, KindEntry};
use towpath_ports::target::Target;

pub(super) const DOCKER: Kind<dyn Target> = Kind::planned(KindEntry::planned(
    Family::Target,
    "docker",
    "Containers of a Docker host, reached locally or over ssh.",
    "{ kind: docker, host: \"ssh://deploy@staging\", image: api }",
    &[
        Field::optional(
            "host",
            FieldType::Text,
            "The Docker host, such as `ssh://deploy@staging`; left out, this machine.",
        ),
        Field::optional("hosts", FieldType::Texts, "Several hosts that share the copies."),
        Field::required("image", FieldType::Text, "The artefact of the release that is the image."),
        Field::optional(
            "port",
            FieldType::Count(1, 65_535),
            "The port that the container listens on.",
        ),
        Field::optional(
            "command",
            FieldType::Argv,
            "What runs in the container instead of the image's own command.",
        ),
        Field::optional(
            "volumes",
            FieldType::Texts,
            "Folders of the host, such as `/srv/data:/data`.",
        ),
        Field::optional("network", FieldType::Text, "The network that the copies join."),
        Field::optional(
            "restart",
            FieldType::Word(&["no", "on-failure", "always"]),
            "What happens when a container ends.",
        ),
        Field::optional("drain", FieldType::Span, "Time in which an old container ends its work."),
    ],
));
pub(super) const LAMBDA: Kind<dyn Target> = Kind::planned(KindEntry::planned(
    Family::Target,
    "lambda",
    "Versions of an AWS Lambda function.",
    "{ kind: lambda, function: api, region: us-east-1 }",
    &[
        Field::required("function", FieldType::Text, "The function's name."),
        Field::optional("region", FieldType::Text, "The region; left out, the environment's."),
        Field::optional("alias", FieldType::Text, "The alias that visitors call."),
        Field::optional(
            "template",
            FieldType::Path,
            "The SAM template that the function is deployed with.",
        ),
        Field::optional("provisioned", FieldType::Count(0, 10_000), "Copies that are kept warm."),
        Field::optional(
            "before_traffic",
            FieldType::Text,
            "The function that is asked before traffic moves.",
        ),
        Field::optional(
            "after_traffic",
            FieldType::Text,
            "The function that is asked after traffic has moved.",
        ),
    ],
));
pub(super) const CLOUDFORMATION: Kind<dyn Target> = Kind::planned(KindEntry::planned(
    Family::Target,
    "cloudformation",
    "Stacks of AWS CloudFormation, changed by change sets.",
    "{ kind: cloudformation, stack: api-production, template: template.yaml }",
    &[
        Field::required("stack", FieldType::Text, "The stack's name."),
        Field::required(
            "template",
            FieldType::Path,
            "Its template: written, synthesised by CDK or packaged by SAM.",
        ),
        Field::optional("region", FieldType::Text, "The region; left out, the environment's."),
        Field::optional("parameters", FieldType::TextMap, "Parameters of the template."),
        Field::optional(
            "capabilities",
            FieldType::Texts,
            "What the stack may create, as CloudFormation names it.",
        ),
    ],
));
pub(super) const COMMAND: Kind<dyn Target> = Kind::planned(KindEntry::planned(
    Family::Target,
    "command",
    "Programs of your own that start, look and stop.",
    "{ kind: command, start: [./deploy.sh], stop: [./remove.sh] }",
    &[
        Field::required("start", FieldType::Argv, "Starts a release beside the one that serves."),
        Field::optional("status", FieldType::Argv, "Says what runs."),
        Field::required("stop", FieldType::Argv, "Ends a release."),
        Field::optional("rollback", FieldType::Argv, "Puts an older release back."),
        Field::optional("weight", FieldType::Argv, "Moves a share of the traffic."),
    ],
));
