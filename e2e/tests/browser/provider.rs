//! Signing in at a provider of OpenID Connect in a real browser, through its pages: `oidc-provider` of npm, which
//! `.ci/run` installs. The rules of signing in are tested where they are made.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::driver::Browser;
use crate::house::House;

/// The provider, which ends with the test.
struct Running {
    child: Child,
    /// It ends when nobody could write to it any more, and breaks down where nobody could read it.
    _input: ChildStdin,
    said: BufReader<ChildStdout>,
    issuer: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _it_may_have_ended = self.child.wait();
    }
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn tools() -> Option<PathBuf> {
    let folder = std::env::var_os("TOWPATH_REPORT_TOOLS").map(PathBuf::from);
    let found = folder.filter(|it| it.join("node_modules/oidc-provider/package.json").is_file());
    if found.is_none() {
        let why = "TOWPATH_REPORT_TOOLS names no folder with oidc-provider";
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "it must run under CI: {why}");
        eprintln!("skipped: {why}");
    }
    found
}

/// Starts it; people are led back to this address.
fn start(tools: &Path, back: &str) -> Running {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/report-tools/provider.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(tools).arg(back).arg("pages");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let input = child.stdin.take().unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    // From here on it is ended with whatever ends this.
    let mut running = Running { child, _input: input, said, issuer: String::new() };
    running.said.read_line(&mut running.issuer).unwrap();
    running.issuer = running.issuer.trim().to_owned();
    assert!(running.issuer.starts_with("http://127.0.0.1:"), "it says: {}", running.issuer);
    running
}

/// A team's server that knows the provider, where production asks for a second factor.
fn house(tools: &Path) -> (House, Running) {
    let mut house = House::with("2h", |matrix| {
        let mailed =
            matrix.replace("name: Ada Moreau,", "name: Ada Moreau, email: ada@example.org,");
        mailed.replace("    approvals:", "    iam: { session: 15m, mfa: true }\n    approvals:")
    });
    house.close();
    let provider = start(tools, &house.url("/sign-in/oidc/back"));
    let root = house.world.root();
    std::fs::write(root.join("oidc.secret"), "hush of the provider, forty letters long").unwrap();
    let settings = format!(
        "public_url: {}\nsign_in:\n  oidc: {{ issuer: \"{}\", client_id: towpath, client_secret_file: oidc.secret, name: Example }}\n",
        house.url(""),
        provider.issuer
    );
    std::fs::write(root.join("server.yaml"), settings).unwrap();
    house.open_with(&["--config", "server.yaml"]);
    (house, provider)
}

/// Says at the provider who one is.
fn say(browser: &Browser, provider: &Running, account: &str) {
    browser.until("the provider asks", "document.querySelector('input[name=account]')");
    assert!(browser.address().starts_with(&provider.issuer), "{}", browser.address());
    browser.fill("input[name=account]", account);
    browser.click("main form button");
}

fn agree(browser: &Browser) {
    browser.until_said("Towpath asks who you are");
    browser.click("main form button");
}

#[test]
#[ignore = "heavy"]
fn somebody_signs_in_through_the_pages_of_a_provider_and_shows_a_second_factor_there() {
    let Some(tools) = tools() else { return };
    let (house, provider) = house(&tools);
    let number = house.lay_out();
    house.attest();
    let Some(browser) = Browser::begin() else { return };
    browser.go(&house.url("/waiting"));
    assert!(browser.address().contains("/sign-in"), "nobody reads: {}", browser.address());
    assert_eq!(browser.text("main a.btn.main"), "Sign in with Example");
    browser.click("main a.btn.main");
    say(&browser, &provider, "ada");
    agree(&browser);
    browser.until_at(&house.url("/waiting"));
    assert!(browser.text("header .who").contains("ada"), "{}", browser.text("header"));

    browser.click(&format!("#do-{number}-yes > summary"));
    browser.click(&format!("#do-{number}-yes form button"));
    browser.until_said("Show it at Example");
    browser.click("main a.btn.main");
    // It is told to ask anew, although it knows the browser.
    say(&browser, &provider, "ada");
    browser.until("one is led back", &format!("document.getElementById('do-{number}-yes')"));
    browser.click(&format!("#do-{number}-yes > summary"));
    browser.click(&format!("#do-{number}-yes form button"));
    browser.until_said("Approved");
    house.until_serving("1.0.0");
}

#[test]
#[ignore = "heavy"]
fn whom_no_matrix_names_is_not_let_in_by_what_a_provider_says_of_them() {
    let Some(tools) = tools() else { return };
    let (house, provider) = house(&tools);
    let Some(browser) = Browser::begin() else { return };
    browser.go(&house.url("/"));
    browser.click("main a.btn.main");
    say(&browser, &provider, "mallory");
    agree(&browser);
    browser.until_said("Nobody who may sign in here is the one whom Example names");
    browser.go(&house.url("/"));
    assert!(browser.address().contains("/sign-in"), "{}", browser.address());
    // Pages of a provider cannot be led somewhere else: what comes back that nobody began is nothing.
    browser.go(&house.url("/sign-in/oidc/back?code=x&state=y"));
    browser.until_said("This was not begun in this browser");
}
