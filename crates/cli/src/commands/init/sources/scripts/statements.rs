//! Statements of a script that mean the same wherever they stand: exported variables, and programs that
//! do the work. Repeats no secret.

use towpath_config::is_secret;

use super::shell::Fact;

/// Programs that build, deploy or change something.
pub(super) const PROGRAMS: &[&str] = &[
    "ansible-playbook",
    "aws",
    "az",
    "cdk",
    "docker",
    "docker-compose",
    "gcloud",
    "git",
    "gradle",
    "kubectl",
    "make",
    "mvn",
    "mysql",
    "npm",
    "npx",
    "pg_dump",
    "pm2",
    "pnpm",
    "psql",
    "rsync",
    "sam",
    "scp",
    "ssh",
    "systemctl",
    "terraform",
    "yarn",
];

/// `export NODE_ENV=staging`, but for what a script says about itself.
pub(super) fn exported(statement: &str) -> Option<Fact> {
    const OWN: [&str; 8] = ["ENV", "ENVIRONMENT", "HOST", "IFS", "LANG", "LC_ALL", "PATH", "PORT"];
    let (name, value) = statement.trim().strip_prefix("export ")?.trim().split_once('=')?;
    let is_variable = name.starts_with(|it: char| it.is_ascii_alphabetic())
        && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    if !is_variable || OWN.contains(&name) || name.len() > 100 || value.len() > 1000 {
        return None;
    }
    let value = value.trim();
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    if is_secret(name, value) || (value.contains(['$', '`']) && is_secret(name, "some-value")) {
        return Some(Fact::Secret(name.to_owned()));
    }
    (!value.contains(['$', '`', '"', '\'']))
        .then(|| Fact::Setting(name.to_owned(), value.to_owned()))
}
