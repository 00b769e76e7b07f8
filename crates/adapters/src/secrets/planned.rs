//! Stores of secrets that parse and do nothing yet; what names them is listed as not enforced.

use towpath_ports::secret::SecretStore;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry};

pub(super) const AWS_SECRETS_MANAGER: Kind<dyn SecretStore> = Kind::planned(KindEntry::planned(
    Family::Secrets,
    "aws-secrets-manager",
    "A secret of AWS Secrets Manager.",
    "{ kind: aws-secrets-manager, id: prod/api }",
    &[
        Field::optional("id", FieldType::Text, "Its name or ARN; left out, the secret's own name."),
        Field::optional("key", FieldType::Text, "The key in a secret that is a JSON object."),
        Field::optional("region", FieldType::Text, "The region; left out, the environment's."),
    ],
));
pub(super) const AZURE_KEY_VAULT: Kind<dyn SecretStore> = Kind::planned(KindEntry::planned(
    Family::Secrets,
    "azure-key-vault",
    "A secret of an Azure Key Vault.",
    "{ kind: azure-key-vault, vault: api-production }",
    &[
        Field::optional("vault", FieldType::Text, "The vault."),
        Field::optional("secret", FieldType::Text, "Its name; left out, the secret's own name."),
    ],
));
pub(super) const VAULT: Kind<dyn SecretStore> = Kind::planned(KindEntry::planned(
    Family::Secrets,
    "vault",
    "A secret of HashiCorp Vault or OpenBao.",
    "{ kind: vault, path: secret/api }",
    &[
        Field::optional("path", FieldType::Text, "The path."),
        Field::optional(
            "key",
            FieldType::Text,
            "The key at that path; left out, the secret's own name.",
        ),
        Field::optional("address", FieldType::Url, "The server."),
    ],
));
