//! What a handler takes and gives, read from its own types, so that the document cannot say otherwise. Lays
//! nothing out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::asked::{Body, Created, Path, Query, Taken};
use crate::caller::{Caller, Exchanged, Through};
use crate::ends::{Ends, Patience, Waiting};
use crate::error::Answer;
use crate::hub::Hub;
use crate::paging::{Listed, Paged};
use crate::routes::App;
use crate::signin::Pass;

/// Makes the schema of a type.
pub(crate) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// What an operation takes and gives.
#[derive(Clone, Default)]
pub(crate) struct Operation {
    /// Its body.
    pub(crate) body: Option<Shape>,
    /// Whether its body is bytes of any kind.
    pub(crate) bytes: bool,
    /// Its query, an object with one field a parameter.
    pub(crate) query: Option<Shape>,
    /// Whether it is a list that is given page by page.
    pub(crate) paged: bool,
    /// Its answers when all is well: status, what it is, form.
    pub(crate) gives: Vec<(u16, &'static str, Option<Shape>)>,
    /// Headers of those answers, with what they say.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

/// Where what was taken can be followed.
pub(crate) const LOCATION: (&str, &str) = ("Location", "The promotion, relative to this address");

/// The way to the next page of a list.
const LINK: (&str, &str) =
    ("Link", "The next page, relative to this address (`rel=\"next\"`); none after the last one");

/// JSON.
pub(crate) const JSON: &str = "application/json";

fn shape<T: JsonSchema>() -> Shape {
    |generator| generator.subschema_for::<T>()
}

/// Something that a handler reads from a request.
pub(crate) trait Takes {
    /// Notes it.
    fn takes(operation: &mut Operation);
}

/// Something that a handler answers.
pub(crate) trait Gives {
    /// Notes it.
    fn gives(operation: &mut Operation);
}

macro_rules! unseen {
    ($($type:ty),*) => { $(impl Takes for $type { fn takes(_: &mut Operation) {} })* };
}
unseen!(
    State<App>,
    Extension<Arc<Hub>>,
    Extension<Arc<Ends>>,
    Caller,
    Exchanged,
    Through,
    Pass,
    HeaderMap
);

impl<T> Takes for Path<T> {
    // Their names stand in the path.
    fn takes(_: &mut Operation) {}
}

impl<T: JsonSchema> Takes for Body<T> {
    fn takes(operation: &mut Operation) {
        operation.body = Some(shape::<T>());
    }
}

impl<T: JsonSchema> Takes for Query<T> {
    fn takes(operation: &mut Operation) {
        operation.query = Some(shape::<T>());
    }
}

impl Takes for Patience {
    fn takes(operation: &mut Operation) {
        operation.query = Some(shape::<Waiting>());
    }
}

impl<T: JsonSchema> Takes for Paged<T> {
    fn takes(operation: &mut Operation) {
        operation.query = Some(shape::<T>());
        operation.paged = true;
    }
}

impl<T: JsonSchema> Gives for Listed<T> {
    fn gives(operation: &mut Operation) {
        operation.answers::<T>(StatusCode::OK);
        operation.headers.push(LINK);
    }
}

impl<T: JsonSchema> Gives for Json<T> {
    fn gives(operation: &mut Operation) {
        operation.answers::<T>(StatusCode::OK);
    }
}

impl<T: JsonSchema> Gives for Created<T> {
    fn gives(operation: &mut Operation) {
        operation.answers::<T>(StatusCode::CREATED);
    }
}

impl<T: JsonSchema> Gives for Taken<T> {
    fn gives(operation: &mut Operation) {
        operation.answers::<T>(StatusCode::ACCEPTED);
        operation.headers.push(LOCATION);
    }
}

impl<T: Gives> Gives for Answer<T> {
    fn gives(operation: &mut Operation) {
        T::gives(operation);
    }
}

impl Operation {
    /// Notes an answer of that form, in JSON.
    pub(crate) fn answers<T: JsonSchema>(&mut self, status: StatusCode) {
        self.gives.push((status.as_u16(), JSON, Some(shape::<T>())));
    }

    /// Notes an answer that says nothing.
    pub(crate) fn answers_nothing(&mut self, status: StatusCode) {
        self.gives.push((status.as_u16(), JSON, None));
    }

    /// Notes an answer of messages without an end, each of that form.
    pub(crate) fn messages(&mut self, media: &'static str, shape: Shape) {
        self.gives.push((200, media, Some(shape)));
    }

    /// Notes an answer of bytes or lines.
    pub(crate) fn streams(&mut self, media: &'static str) {
        self.gives.push((200, media, Some(|_| schemars::json_schema!({ "type": "string" }))));
    }
}

/// A handler whose types say what it takes and gives.
pub(crate) trait Told<Parts> {
    /// What they say.
    fn told() -> Operation;
}

macro_rules! told {
    ($($part:ident),*) => {
        impl<Function, Answered, Given, $($part: Takes),*> Told<($($part,)*)> for Function
        where
            Function: Fn($($part),*) -> Answered,
            Answered: Future<Output = Given>,
            Given: Gives,
        {
            fn told() -> Operation {
                let mut operation = Operation::default();
                $($part::takes(&mut operation);)*
                Given::gives(&mut operation);
                operation
            }
        }
    };
}
told!();
told!(A);
told!(A, B);
told!(A, B, C);
told!(A, B, C, D);
told!(A, B, C, D, E);
told!(A, B, C, D, E, F);
