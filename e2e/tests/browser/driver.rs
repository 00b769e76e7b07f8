//! One browser, driven as a person would: go there, click that, type this, look. Owns its processes and ends them;
//! knows no page of ours.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::{
    By, ChromiumLikeCapabilities as _, DesiredCapabilities, Key, WebDriver, WebElement,
};
use tokio::runtime::Runtime;

/// How long anything that a page does by itself may take. Only a broken page takes as long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked whether something has come about.
const LOOK_EVERY: Duration = Duration::from_millis(30);

/// What the browser is started with: nothing is shown, asked of anybody else, or kept.
const OPTIONS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-default-apps",
    "--disable-extensions",
    "--window-size=1280,900",
];

/// Who looks: how wide, and what they have asked of their system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eyes {
    pub(crate) width: u32,
    pub(crate) is_dark: bool,
}

impl Eyes {
    /// The narrowest telephone that is looked after.
    pub(crate) const PHONE: Self = Self { width: 360, is_dark: false };
    pub(crate) const DESK: Self = Self { width: 1280, is_dark: false };
    /// The largest screen that is looked after, without a scale of its own.
    pub(crate) const WALL: Self = Self { width: 3840, is_dark: false };

    pub(crate) fn dark(self) -> Self {
        Self { is_dark: true, ..self }
    }
}

/// A browser with an empty profile, until it is dropped.
pub(crate) struct Browser {
    runtime: Runtime,
    driver: Option<WebDriver>,
    process: Child,
    profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one; none where there is none to start, which is a failure under CI.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub(crate) fn begin() -> Option<Self> {
        let (Some(browser), Some(program)) = (found("chromium"), found("chromedriver")) else {
            let why = "there are no chromium and chromedriver (Debian: chromium, chromium-driver)";
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "it must run under CI: {why}");
            eprintln!("skipped: {why}");
            return None;
        };
        let port = free_port();
        let process = Command::new(program)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let profile = tempfile::tempdir().unwrap();
        // From here on it is ended with whatever ends this.
        let mut begun = Self { runtime, driver: None, process, profile };
        until("the driver of the browser listens", || {
            TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
        });
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(browser.to_str().unwrap()).unwrap();
        for option in OPTIONS {
            wanted.add_arg(option).unwrap();
        }
        let folder = format!("--user-data-dir={}", begun.profile.path().display());
        wanted.add_arg(&folder).unwrap();
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted);
        begun.driver = Some(begun.runtime.block_on(driver).unwrap());
        Some(begun)
    }

    fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("it was begun")
    }

    pub(crate) fn go(&self, address: &str) {
        self.runtime.block_on(self.driver().goto(address)).unwrap();
    }

    pub(crate) fn address(&self) -> String {
        self.runtime.block_on(self.driver().current_url()).unwrap().to_string()
    }

    /// Waits until it is there: a form that was sent leads on in its own time.
    pub(crate) fn until_at(&self, end: &str) {
        until(end, || self.address().ends_with(end));
    }

    fn find(&self, what: &str) -> WebElement {
        let found = self.runtime.block_on(self.driver().find(By::Css(what)));
        found.unwrap_or_else(|error| panic!("no {what} at {}: {error}", self.address()))
    }

    /// Clicks the middle of what is meant, which fails where something else lies over it.
    pub(crate) fn click(&self, what: &str) {
        let element = self.find(what);
        let clicked = self.runtime.block_on(element.click());
        clicked.unwrap_or_else(|error| panic!("{what} at {}: {error}", self.address()));
    }

    pub(crate) fn fill(&self, what: &str, text: &str) {
        let field = self.find(what);
        self.runtime.block_on(field.send_keys(text)).unwrap();
    }

    /// The words of the first that is meant, as they are seen.
    pub(crate) fn text(&self, what: &str) -> String {
        let element = self.find(what);
        self.runtime.block_on(element.text()).unwrap()
    }

    /// Waits until the content has these words; asks no script of the page.
    pub(crate) fn until_said(&self, words: &str) {
        until(words, || {
            let content = self.runtime.block_on(self.driver().find(By::Css("main")));
            // While a page gives way to the next there is none.
            content.is_ok_and(|content| {
                self.runtime.block_on(content.text()).is_ok_and(|text| text.contains(words))
            })
        });
    }

    /// How many there are.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.runtime.block_on(self.driver().find_all(By::Css(what))).unwrap().len()
    }

    /// Types a key where the cursor is.
    pub(crate) fn press(&self, key: &str) {
        let typed = self.driver().action_chain().send_keys(key);
        self.runtime.block_on(typed.perform()).unwrap();
    }

    pub(crate) fn press_key(&self, key: Key) {
        let typed = self.driver().action_chain().send_keys(char::from(key));
        self.runtime.block_on(typed.perform()).unwrap();
    }

    /// What a script of ours answers on the page.
    pub(crate) fn ask(&self, script: &str) -> Value {
        let answer = self.runtime.block_on(self.driver().execute(script, Vec::new()));
        let answer = answer.unwrap_or_else(|error| panic!("{script}\n{error}"));
        answer.json().clone()
    }

    /// The same of a script that calls `arguments[0]` when it is done.
    pub(crate) fn ask_at_leisure(&self, script: &str) -> Value {
        let answer = self.runtime.block_on(self.driver().execute_async(script, Vec::new()));
        answer.unwrap_or_else(|error| panic!("{script}\n{error}")).json().clone()
    }

    /// Whether it is so on the page, as an expression of a script.
    pub(crate) fn is(&self, expression: &str) -> bool {
        self.ask(&format!("return Boolean({expression})")) == Value::Bool(true)
    }

    /// Waits until it is so on the page.
    pub(crate) fn until(&self, what: &str, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.is(expression) {
            let seen = || self.ask("return document.body.innerText");
            assert!(Instant::now() < deadline, "never: {what}\n{}\n{}", self.address(), seen());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn developer(&self, method: &str, parameters: Value) {
        self.runtime.block_on(self.driver().cdp().send_raw(method, parameters)).unwrap();
    }

    /// Looks with other eyes from now on, at the page that is open as well.
    pub(crate) fn look_as(&self, eyes: Eyes) {
        let is_phone = eyes.width < 600;
        let size = json!({
            "width": eyes.width, "height": if is_phone { 720 } else { 900 }, "deviceScaleFactor": 1,
            "mobile": is_phone,
        });
        self.developer("Emulation.setDeviceMetricsOverride", size);
        let scheme = if eyes.is_dark { "dark" } else { "light" };
        self.media(&json!([{ "name": "prefers-color-scheme", "value": scheme }]));
    }

    /// What the system of whoever looks says about colours, motion and the like.
    pub(crate) fn media(&self, features: &Value) {
        self.developer("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// No script of a page runs from the next page on.
    pub(crate) fn without_scripts(&self) {
        self.developer("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    }

    /// Runs a script of ours before each page's own, from the next page on; what pages may load does not bind it.
    pub(crate) fn before_each_page(&self, script: &str) {
        self.developer("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
    }

    /// Goes into the first frame of the page; going elsewhere leaves it.
    pub(crate) fn enter_frame(&self) {
        self.runtime.block_on(self.driver().enter_frame(0)).unwrap();
    }

    /// A picture of all of the page, for whoever asked for pictures.
    pub(crate) fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("TOWPATH_PICTURES").map(PathBuf::from) else { return };
        std::fs::create_dir_all(&folder).unwrap();
        let taken = self.runtime.block_on(self.driver().screenshot_as_png()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), taken).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            // One that is gone already needs no end.
            let _ = self.runtime.block_on(driver.quit());
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until it is so.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

fn found(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
