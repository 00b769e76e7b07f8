//! Somebody with a browser. Owns how they ask; what they see is theirs to judge.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use tower::ServiceExt as _;
use towpath_core::ids::Person;
use towpath_engine::Engine;
use towpath_server::routes::{App, router};
use towpath_server::visitor::Visitor;

/// The word of every form of theirs.
pub(crate) const WORD: &str = "the word of anna's session";

/// What came back.
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
    /// Where one is led.
    pub(crate) to: Option<String>,
}

impl Seen {
    /// Panics with the page where a text is not on it.
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.text.contains(text), "`{text}` is not on: {}", self.readable());
        self
    }

    /// Panics where it is.
    pub(crate) fn says_not(&self, text: &str) -> &Self {
        assert!(!self.text.contains(text), "`{text}` is on: {}", self.readable());
        self
    }

    /// The words without the marks.
    pub(crate) fn readable(&self) -> String {
        let body = self.text.split("<main").nth(1).unwrap_or(&self.text);
        let mut words = String::new();
        let mut is_mark = true;
        for letter in body.chars() {
            match letter {
                '<' => is_mark = true,
                '>' => {
                    is_mark = false;
                    words.push(' ');
                }
                _ if !is_mark => words.push(letter),
                _ => {}
            }
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Somebody who looks at the pages of an engine.
pub(crate) struct Browser {
    app: App,
    person: Person,
}

impl Browser {
    pub(crate) fn of(engine: &Engine, person: &str) -> Self {
        let (stop, _) = tokio::sync::mpsc::channel(1);
        let app = App { engine: engine.clone(), stop, sign_in: None, traces: None };
        Self { app, person: Person::new(person).unwrap() }
    }

    /// Looks at a page; in `TOWPATH_PAGES` a copy is left for people to look at.
    pub(crate) async fn get(&self, path: &str) -> Seen {
        let seen = self.ask(Method::GET, path, &[], "").await;
        keep(path, &seen.text);
        seen
    }

    /// Sends a form.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Seen {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.ask(Method::POST, path, &[kind], form).await
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Seen {
        let mut request = Request::builder().method(method).uri(path).header("accept", "text/html");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        let visitor = Visitor { person: self.person.clone(), form: WORD.to_owned() };
        request.extensions_mut().insert(visitor);
        answer_to(self.app.clone(), request).await
    }

    /// Looks at a page of the same project below a base.
    pub(crate) async fn under(&self, base: &str, path: &str) -> Seen {
        if base.is_empty() {
            return self.ask(Method::GET, path, &[], "").await;
        }
        let mut request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let visitor = Visitor { person: self.person.clone(), form: WORD.to_owned() };
        request.extensions_mut().insert(visitor);
        let pages = towpath_server::routes::project_pages(self.app.clone());
        seen(axum::Router::new().nest(base, pages), request).await
    }

    /// Asks without a session, a token or a socket.
    pub(crate) async fn nobody(engine: &Engine, method: Method, path: &str) -> Seen {
        let form = "application/x-www-form-urlencoded";
        let request = Request::builder().method(method).uri(path).header("content-type", form);
        answer_to(Self::of(engine, "nobody").app, request.body(Body::empty()).unwrap()).await
    }
}

async fn answer_to(app: App, request: Request<Body>) -> Seen {
    seen(router(app), request).await
}

async fn seen(routes: axum::Router, request: Request<Body>) -> Seen {
    let answer = routes.oneshot(request).await.unwrap();
    let status = answer.status();
    let to = answer.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 24).await.unwrap();
    Seen { status, text: String::from_utf8_lossy(&bytes).into_owned(), to }
}

/// Puts a page into the folder that `TOWPATH_PAGES` names, so that people can look at what tests see.
fn keep(path: &str, text: &str) {
    let Ok(folder) = std::env::var("TOWPATH_PAGES") else { return };
    let name: String = path
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' })
        .collect();
    let test = std::thread::current().name().unwrap_or("page").replace("::", "-");
    let ending = if path.starts_with("/assets/") { "" } else { ".html" };
    let place = if ending.is_empty() { path.to_owned() } else { format!("/{test}{name}{ending}") };
    let file = std::path::Path::new(&folder).join(place.trim_start_matches('/'));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}
