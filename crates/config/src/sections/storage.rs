//! Where files are kept. Logs have a section of their own.

use super::backing::{COMMON, OTHER};
use super::{LANE, Section};
use crate::shape::{Default, FLAG, Key, PATH, Shape, TEXT, Variant, word};

const LIFECYCLE: Key = Key::optional(
    "lifecycle",
    word(&["none", "basic", "standard", "advanced"]),
    "How old files move to cheaper places and end.",
);

const S3: &[Key] = &[
    Key::new("bucket", TEXT, Default::Required, "The bucket."),
    LIFECYCLE,
    Key::optional("versioning", FLAG, "Whether older versions of a file are kept."),
    Key::optional("replication", FLAG, "Whether it is copied to another region."),
];

const AZURE_BLOB: &[Key] = &[
    Key::new("account", TEXT, Default::Required, "The storage account."),
    Key::new("container", TEXT, Default::Required, "The container."),
    LIFECYCLE,
    Key::optional("versioning", FLAG, "Whether older versions of a file are kept."),
];

const VOLUME: &[Key] = &[
    Key::new("path", PATH, Default::Required, "Where it is mounted."),
    Key::optional("size", Shape::Size, "How much it holds."),
];

const KINDS: &[Variant] = &[
    Variant { name: "s3", keys: S3, doc: "A bucket of AWS S3, or of what speaks like it." },
    Variant { name: "azure-blob", keys: AZURE_BLOB, doc: "A container of Azure Blob Storage." },
    Variant { name: "volume", keys: VOLUME, doc: "A folder of a machine." },
    OTHER,
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("storage", Shape::Kinds(KINDS, COMMON), "Where its files are."),
    LANE,
    "storage: { kind: s3, bucket: shop-prod, lifecycle: advanced, versioning: true }\n",
)];
