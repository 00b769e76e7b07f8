//! The matrix of a project with one environment, for the tests that are about what is declared for it.
//! Checks nothing: what is wrong in it is found by the binary.

/// What every such project has alike.
const PROJECT: &str = r#"
version: 1
project: soundbite
services:
  api: { purpose: Takes text in and hands out audio jobs }
environments:
  production:
    tier: production
    target: { kind: process, command: ["{artifact}"], instances: INSTANCES }
    router: { kind: towpath, listen: {listen} }
    health: { every: 1m, timeout: 5s, retries: 3, endpoints: [/health] }
"#;

/// A matrix whose only environment, `production`, runs so many instances behind the proxy; `declared` are
/// the other lines of the environment, of which the outermost are not indented.
pub fn production(instances: usize, declared: &str) -> String {
    let mut matrix = PROJECT.replace("INSTANCES", &instances.to_string());
    for line in declared.trim().lines() {
        matrix.push_str("    ");
        matrix.push_str(line);
        matrix.push('\n');
    }
    matrix
}
