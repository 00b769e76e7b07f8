//! The pages: one file each, made by the server and read without a script. Every address of theirs stands
//! here; nothing in them decides anything. A page acts by a form that gives the engine the order that the
//! API would.

mod action;
mod admin;
mod api;
mod assets;
mod audit;
mod changes;
mod compare;
mod environment;
mod frame;
mod insights;
mod keys;
mod lane;
mod marks;
mod materials;
mod matrix;
mod matrix_file;
mod notifications;
mod owed;
mod pipeline;
mod posted;
mod problem;
mod promotion;
mod promotions;
mod releases;
mod simulate;
mod table;
mod waiting;
mod words;

pub(crate) use assets::{STYLE, style};
pub(crate) use frame::BRAND;
pub(crate) use insights::Digest;
pub(crate) use problem::no_such_place;
use promotion::orders;
pub use table::PageRoute;
use table::{form, open, own, page, probe};
use towpath_core::people::Verb;

/// Every page and every form of a project with its rule. Paths begin after the base.
pub fn routes() -> Vec<PageRoute> {
    let (pause, approve) = (Verb::Pause, Verb::Approve);
    vec![
        page("/", matrix::show),
        page("/waiting", waiting::show),
        form("/waiting/matrix", approve, waiting::proposal::word),
        page("/lanes/{service}/{environment}", lane::show),
        form("/lanes/{service}/{environment}/rollback", Verb::Rollback, lane::orders::rollback),
        form("/lanes/{service}/{environment}/signal", Verb::Signal, lane::orders::signal),
        form("/lanes/{service}/{environment}/freeze", Verb::Freeze, lane::orders::freeze),
        form("/lanes/{service}/{environment}/thaw", Verb::Thaw, lane::orders::thaw),
        form("/lanes/{service}/{environment}/lift", Verb::LiftQuarantine, lane::orders::lift),
        probe("/lanes/{service}/{environment}/validate", Verb::Promote, lane::orders::validate),
        probe("/lanes/{service}/{environment}/probe", Verb::Promote, lane::orders::probe),
        page("/environments/{environment}", environment::show),
        page("/promotions", promotions::show),
        page("/promotions/{number}", promotion::show),
        form("/promotions/{number}/pause", pause, orders::pause),
        form("/promotions/{number}/resume", pause, orders::resume),
        form("/promotions/{number}/abort", pause, orders::abort),
        form("/promotions/{number}/rollback", Verb::Rollback, orders::rollback),
        form("/promotions/{number}/approve", approve, orders::approve),
        form("/promotions/{number}/reject", approve, orders::reject),
        form("/promotions/{number}/attest", Verb::Attest, orders::attest),
        form("/promotions/{number}/settle", approve, owed::settle),
        form("/promotions/{number}/reason", Verb::Rollback, owed::explain),
        page("/releases", releases::list),
        page("/releases/{service}/{version}", releases::show),
        page("/releases/{service}/{version}/evidence.tar", releases::evidence::bundle),
        page("/evidence/{digest}", releases::evidence::piece),
        page("/compare", compare::show),
        page("/pipeline", pipeline::show),
        page("/insights", insights::show),
        page("/audit", audit::show),
        page("/audit/export", audit::export::show),
        page("/audit/{number}", audit::one),
        page("/matrix", matrix_file::show),
        page("/simulate", simulate::show),
        page("/notifications", notifications::show),
        form("/notifications/test", Verb::Signal, notifications::test),
        form("/notifications/retry", Verb::Signal, notifications::retry),
        form("/notifications/replay", Verb::Signal, notifications::replay),
        page("/admin", admin::show),
        own("/admin/tokens", admin::tokens::create),
        own("/admin/revoke", admin::tokens::revoke),
        own("/admin/end-session", admin::end_session),
        page("/api", api::list),
        page("/api/{operation}", api::show),
        page("/api/types/{name}", api::form),
        open("/assets/{file}", assets::serve),
    ]
}
