//! What makes a variable a secret: its name, or the shape of its value. Errs towards silence where
//! a name only speaks about a secret, such as `TOKEN_URL` or `MAX_TOKENS`.

use crate::secrecy::argv;

/// Words that end the name of a secret.
const SECRETS: [&str; 11] = [
    "PASSWORD",
    "PASSWORDS",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "SECRETS",
    "CREDENTIAL",
    "CREDENTIALS",
    "APIKEY",
    "PRIVATEKEY",
    "SECRETKEY",
];
/// Ends of a word that do so too: `PGPASSWORD` is what PostgreSQL's own programs read.
const ENDS: [&str; 6] = ["PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "SECRETKEY", "PRIVATEKEY"];
/// Names that well-known programs read a secret from, by their manuals: sshpass, redis-cli.
const EXACT: [&str; 2] = ["SSHPASS", "REDISCLIAUTH"];
/// Words that do so only after another one: `PWD` alone is a folder, `PASS` an outcome.
const SHORT: [&str; 3] = ["PWD", "PASS", "PW"];
/// Words that do so unless the value is a number: `TOKENS: 4096` is a limit.
const TOKENS: [&str; 2] = ["TOKEN", "TOKENS"];
/// What stands before `KEY` where the key is secret.
const KEYS: [&str; 13] = [
    "API",
    "PRIVATE",
    "SECRET",
    "ACCESS",
    "ENCRYPTION",
    "SIGNING",
    "MASTER",
    "AUTH",
    "ACCOUNT",
    "JWT",
    "HMAC",
    "AES",
    "SSH",
];
/// Words after the one that counts which only say which of several it is, or in what form.
const WHICH: [&str; 20] = [
    "DEV",
    "DEVELOPMENT",
    "TEST",
    "TESTING",
    "STAGE",
    "STAGING",
    "PROD",
    "PRODUCTION",
    "LIVE",
    "OLD",
    "NEW",
    "CURRENT",
    "PREVIOUS",
    "NEXT",
    "PRIMARY",
    "SECONDARY",
    "BASE",
    "VALUE",
    "PEM",
    "BASE64",
];
/// Words of names whose values browsers are shown by intent.
const PUBLIC: [&str; 2] = ["PUBLIC", "PUBLISHABLE"];
/// Values that say whether, and not what.
const SWITCHES: [&str; 14] = [
    "true", "false", "yes", "no", "on", "off", "enabled", "disabled", "required", "optional",
    "none", "null", "0", "1",
];
/// How a value begins that says where the secret is.
const ELSEWHERE: [&str; 23] = [
    "${",
    "$(",
    "<",
    "arn:",
    "vault:",
    "secret:",
    "secrets:",
    "ssm:",
    "env:",
    "file:",
    "op://",
    "keyvault:",
    "@Microsoft.KeyVault(",
    "projects/",
    "/run/",
    "/etc/",
    "/var/",
    "/opt/",
    "/mnt/",
    "/secrets/",
    "/vault/",
    "/home/",
    "./",
];

/// How the tokens of well-known services begin, as those services document them so that scanners
/// find them: GitHub, GitLab, Stripe, Slack, Vault, OpenAI, Anthropic, npm, Docker, Shopify, Google.
const TOKEN_STARTS: [&str; 15] = [
    "sk-proj-",
    "sk-ant-",
    "npm_",
    "dckr_pat_",
    "shpat_",
    "ghp_",
    "gho_",
    "github_pat_",
    "glpat-",
    "sk_live_",
    "rk_live_",
    "xoxb-",
    "xoxp-",
    "hvs.",
    "AIza",
];
/// Schemes of `Authorization` that are followed by a secret.
const SCHEMES: [&str; 5] = ["bearer", "basic", "token", "apikey", "digest"];
/// Headers that hold nothing else.
const CREDENTIAL_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "x-auth", "x-authorization"];
/// How addresses begin whose rest is a secret, by the documentation of those services: whoever knows
/// one may post there.
const ADDRESSES: [&str; 12] = [
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    "outlook.office.com/webhook/",
    "events.pagerduty.com/integration/",
    "hooks.zapier.com/hooks/catch/",
    "maker.ifttt.com/trigger/",
    "api.telegram.org/bot",
    "api.opsgenie.com/v1/json/",
    "webhooks.mattermost.com/hooks/",
];
/// Parts of such addresses that stand behind a name of one's own.
const WITHIN_ADDRESSES: [&str; 1] = [".webhook.office.com/webhookb2/"];

/// How the identifiers of access keys of AWS begin, before capitals and digits.
const AWS_STARTS: [&str; 2] = ["AKIA", "ASIA"];
/// Characters behind such a beginning from which on it is no word that merely begins so.
const SHORTEST_TOKEN: usize = 4;
/// What a password or a key is called in the connection strings of databases and of Azure.
const CONNECTION_KEYS: [&str; 4] = ["password", "pwd", "accountkey", "sharedaccesskey"];
/// Identifiers of AWS have 16 characters behind theirs.
const SHORTEST_AWS: usize = 12;
/// How a signed token of JSON begins: `{"` in base64 (RFC 7519; two dots part it in three).
const JSON_TOKEN: &str = "eyJ";
/// Length from which on letters among which there are digits are no name that a person chose.
const SHORTEST_RANDOM: usize = 20;

/// Whether a variable called `name` with the value `value` holds a secret.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    let value = value.trim();
    if value.is_empty() || is_elsewhere(value) {
        return false;
    }
    let called = !name.is_empty();
    // Texts for people have no name that is judged, and speak of options.
    tells_itself(value)
        || (called && is_named(name, value) && !is_address(value))
        || (called && argv::holds_secret(value))
}

/// Whether a header of a request called `name` holds a secret: by its name as a variable, or what
/// stands behind the scheme of `Authorization` (RFC 9110, section 11.6.2).
pub(crate) fn is_header_secret(name: &str, value: &str) -> bool {
    let value = value.trim();
    let credentials = match value.split_once(' ') {
        Some((scheme, rest)) if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) => {
            rest.trim()
        }
        _ => value,
    };
    let name = name.trim().to_ascii_lowercase();
    let literal = !credentials.is_empty() && !is_elsewhere(credentials);
    literal && (CREDENTIAL_HEADERS.contains(&&*name) || is_secret(&name, credentials))
}

/// Whether what is called so is a secret, whatever it is.
pub(crate) fn names_a_secret(name: &str) -> bool {
    is_named(name, "any")
}

/// Whether what should be the name of a secret is more likely the secret: an address, a token, or
/// long and random.
pub(crate) fn is_no_name(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    // `DB_PASSWORD_OF_2026` is a name.
    let small = text.bytes().any(|it| it.is_ascii_lowercase());
    let random = text.len() >= SHORTEST_RANDOM && digits >= 3 && small;
    text.contains("://") || tells_itself(text) || random
}

fn is_elsewhere(value: &str) -> bool {
    let variable = value.strip_prefix('$').is_some_and(|name| {
        !name.is_empty()
            && name.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_')
    });
    // What is filled in later, and not a document in JSON.
    let place = value.starts_with('{') && value.ends_with('}') && !value.contains('"');
    variable
        || place
        || ELSEWHERE.iter().any(|start| value.starts_with(start))
        || value.bytes().all(|it| it == b'*')
}

fn is_address(value: &str) -> bool {
    value.starts_with("http://") || value.starts_with("https://")
}

/// Whether a value is a secret whatever it is called: an address with a password in it, a
/// connection string with one, a private key.
fn tells_itself(value: &str) -> bool {
    let literal = |secret: &str| !secret.is_empty() && !is_elsewhere(secret);
    let authority = value.split_once("://").map(|(_, rest)| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        &rest[..end]
    });
    let user = authority.and_then(|it| it.rsplit_once('@')).map(|(user, _)| user);
    let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
    password.is_some_and(literal)
        || is_secret_address(value)
        || value
            .split(|it: char| it.is_whitespace() || "=:,;\"'/@?&#[]{}()".contains(it))
            .any(is_token)
        || value.split(';').chain(value.split_whitespace()).any(is_part_with_password)
        || (value.contains("-----BEGIN ") && value.contains("PRIVATE KEY-----"))
}

/// Whether it is the password in `Server=db;Password=...` or `host=db password=...`.
fn is_part_with_password(part: &str) -> bool {
    let Some((key, secret)) = part.split_once('=') else { return false };
    let secret = secret.trim().trim_matches(['\'', '"']);
    CONNECTION_KEYS.contains(&&*key.trim().to_ascii_lowercase())
        && !secret.is_empty()
        && !is_elsewhere(secret)
        && !SWITCHES.contains(&&*secret.to_ascii_lowercase())
}

/// Whether an address is one itself, or has one among what is asked: `?token=...`.
fn is_secret_address(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let literal = |secret: &str| !secret.is_empty() && !is_elsewhere(secret);
    let known = ADDRESSES.iter().find_map(|start| rest.strip_prefix(start));
    let within = WITHIN_ADDRESSES.iter().find_map(|part| Some(rest.split_once(part)?.1));
    let asked = rest.split_once('?').map(|(_, query)| query.split('#').next().unwrap_or_default());
    let mut asked = asked.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    known.or(within).is_some_and(literal)
        || asked.any(|(name, secret)| {
            let short = ["sig", "signature", "key", "code"].contains(&&*name.to_ascii_lowercase());
            let long = secret.len() >= SHORTEST_RANDOM;
            literal(secret) && (is_named(name, secret) || (short && long))
        })
}

fn is_token(word: &str) -> bool {
    let rest = |starts: &[&str]| starts.iter().find_map(|start| word.strip_prefix(start));
    let token = rest(&TOKEN_STARTS).is_some_and(|rest| {
        rest.len() >= SHORTEST_TOKEN
            && rest.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
    });
    token
        || is_json_token(word)
        || rest(&AWS_STARTS).is_some_and(|rest| {
            rest.len() >= SHORTEST_AWS
                && rest.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
        })
}

fn is_json_token(word: &str) -> bool {
    let part = |part: &str| {
        part.len() >= SHORTEST_TOKEN
            && part.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
    };
    word.starts_with(JSON_TOKEN) && word.split('.').count() == 3 && word.split('.').all(part)
}

fn is_named(name: &str, value: &str) -> bool {
    let words = words(name);
    if words.iter().any(|word| PUBLIC.contains(&word.as_str())) {
        return false;
    }
    let number = value.bytes().all(|it| it.is_ascii_digit() || b".,_".contains(&it));
    let which = |word: &str| {
        WHICH.contains(&word) || word.trim_start_matches('V').bytes().all(|it| it.is_ascii_digit())
    };
    let kept = words.iter().rposition(|word| !which(word)).map_or(0, |last| last + 1);
    let Some((last, before)) = words[..kept].split_last() else { return false };
    let is = |list: &[&str]| list.contains(&last.as_str());
    let key =
        (is(&["KEY", "KEYS"])) && before.last().is_some_and(|word| KEYS.contains(&word.as_str()));
    // `user:password`, as the header of that name has it.
    let basic = kept >= 2 && words[kept - 2..kept] == ["BASIC", "AUTH"] && value.contains(':');
    let named = is(&SECRETS)
        || ENDS.iter().any(|end| last.ends_with(end))
        || EXACT.contains(&&*words[..kept].concat())
        || basic
        || (is(&SHORT) && !before.is_empty())
        || (is(&TOKENS) && !number)
        || (key && !number);
    named && !SWITCHES.contains(&value.to_ascii_lowercase().as_str())
}

/// `dbPassword`, `DB_PASSWORD` and `db-password` as `DB`, `PASSWORD`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in name.chars() {
        let starts = before.is_ascii_lowercase() && character.is_ascii_uppercase();
        if starts || !character.is_alphanumeric() {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(character.to_ascii_uppercase());
        }
        before = character;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{is_no_name, is_secret};

    #[test]
    fn an_address_a_token_or_random_text_is_no_name_of_a_secret() {
        for text in [
            "https://hooks.slack.com/services/T0/B0/x",
            "xoxb-0123456789",
            "a8f5f167f44f4964e6c998dee827110c",
        ] {
            assert!(is_no_name(text), "{text}");
        }
        for text in [
            "SLACK_URL",
            "SLACK_WEBHOOK_URL_OF_PRODUCTION",
            "DB_PASSWORD_OF_2026_IN_STAGING",
            "KEY_V2",
            "api-key",
        ] {
            assert!(!is_no_name(text), "{text}");
        }
    }

    #[test]
    fn what_is_called_a_secret_and_has_a_value_is_one() {
        for (name, value) in [
            ("PASSWORD", "hunter2"),
            ("DB_PASSWORD", "12345678"),
            ("dbPassword", "hunter2"),
            ("db-password", "hunter2"),
            ("SMTP_PASS", "hunter2"),
            ("DB_PWD", "hunter2"),
            ("JWT_SECRET", "changeme"),
            ("JWT_SECRET_V2", "abc"),
            ("SECRET_KEY_BASE", "f00"),
            ("STRIPE_API_KEY", "sk_live_1"),
            ("APIKEY", "abc"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
            ("PRIVATE_KEY_PEM", "abc"),
            ("GITHUB_TOKEN", "ghp_1"),
            ("ACCESS_TOKEN_PROD", "abc"),
            ("GOOGLE_CREDENTIALS", "{ \"type\": \"service_account\" }"),
            ("DB_PASSWORD", "$ecret"),
            ("AWS_SECRET_ACCESS_KEY", "/wJalrXUtnFEMI"),
            ("PGPASSWORD", "hunter2"),
            ("DBPASSWORD_STAGING", "hunter2"),
            ("MYSQLPASSWD", "hunter2"),
            ("SSHPASS", "hunter2"),
            ("ADMIN_PW", "hunter2"),
            ("REDISCLI_AUTH", "hunter2"),
            ("BASIC_AUTH", "app:hunter2"),
        ] {
            assert!(is_secret(name, value), "{name}: {value}");
        }
    }

    #[test]
    fn a_name_that_only_speaks_about_a_secret_is_none() {
        for (name, value) in [
            ("TOKEN_URL", "https://login.example.com/token"),
            ("SECRET_NAME", "prod/db"),
            ("MAX_TOKENS", "4096"),
            ("TOKENS", "1,000"),
            ("TOKEN_TTL", "15m"),
            ("PASSWORD_FILE", "/run/secrets/db"),
            ("PASSWORD_MIN_LENGTH", "12"),
            ("SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:1:secret:db"),
            ("PWD", "/srv/app"),
            ("PARTITION_KEY", "user"),
            ("PUBLIC_KEY", "ssh-ed25519 AAAA"),
            ("NEXT_PUBLIC_MAPBOX_TOKEN", "pk.abc"),
            ("STRIPE_PUBLISHABLE_API_KEY", "pk_live_1"),
            ("USE_PASSWORD", "true"),
            ("REQUIRE_TOKEN", "1"),
            ("PASSED", "3"),
            ("TOKENIZER", "bpe"),
            ("SECRETARY", "dora"),
            ("MONKEY", "george"),
            ("BYPASS", "cache"),
            ("PW", "wide"),
            ("BASIC_AUTH", "enabled"),
            ("REQUIRE_AUTH", "always"),
            ("NOPASSWORD", "true"),
            ("V2", "on"),
            ("", "x"),
        ] {
            assert!(!is_secret(name, value), "{name}: {value}");
        }
    }

    #[test]
    fn a_value_that_says_where_the_secret_is_is_none() {
        for value in [
            "",
            "  ",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "{secret}",
            "vault:secret/data/db#password",
            "arn:aws:secretsmanager:eu-west-1:1:secret:db",
            "/run/secrets/db",
            "<set by the pipeline>",
            "****",
            "https://login.example.com",
        ] {
            assert!(!is_secret("DB_PASSWORD", value), "{value}");
        }
    }

    #[test]
    fn a_value_with_a_password_in_it_is_a_secret_whatever_it_is_called() {
        for value in [
            "postgres://app:hunter2@db.example.com/app",
            "https://user:hunter2@example.com",
            "Server=db;User Id=app;Password=hunter2;",
            "-----BEGIN RSA PRIVATE KEY-----",
            "AKIAIOSFODNN7EXAMPLE",
            "--token=ghp_0123456789abcdef",
            "Bearer glpat-0123456789abcdef",
            "hvs.CAESIJ0123456789",
            "AIzaSyA0123456789",
            "sk-proj-0123456789abcdef",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N",
            "host=db user=app password=hunter3",
            "host=db password='hunter3' sslmode=require",
            "--verbose --password hunter4",
            "--verbose --password swordfish",
            "mysql -phunter5",
            "serve --db-password hunter4",
            "-Xmx1g -Ddb.password=hunter4",
        ] {
            assert!(is_secret("ADDRESS", value), "{value}");
        }
        for value in [
            "postgres://app@db.example.com/app",
            "postgres://app:${DB_PASSWORD}@db.example.com/app",
            "https://example.com/a:b@c",
            "Server=db;Password=${DB_PASSWORD}",
            "-----BEGIN PUBLIC KEY-----",
            "ASIA-PACIFIC",
            "AKIA",
            "hvs.example.com",
            "pk_live_0123456789",
            "eyJhbGciOiJIUzI1NiJ9",
            "sk-proj-",
            "ghp_",
            "host=db user=app password=$DB_PASSWORD",
            "host=db password=required",
            "use --token to log in",
            "Please reset your password before Monday",
            "A password, a token or a key: never here",
            "--verbose --password-file /run/secrets/db",
            "--max-tokens 4096 --log-level info",
            "-Xms512m -Xmx1g -Dfile.encoding=UTF-8",
            "mkdir -p build && cargo test -p towpath",
            "Hello, {name}! Your token = your ticket",
            "en-US, de-DE; q=0.8",
            "Authorization, X-Api-Key, X-Token",
            "login - password - billing",
            "The token = the ticket; the password: ask",
            "https://a.example.com https://b.example.com",
            "docker run -p 8080:80 -u 1000:1000 api",
            "*/5 * * * *",
        ] {
            assert!(!is_secret("ADDRESS", value), "{value}");
        }
    }
}
