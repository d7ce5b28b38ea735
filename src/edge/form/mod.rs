//! Forms: what authors declare in `dynamic/forms/`, shown and taken.
//!
//! | route                    | does                                              |
//! |---|---|
//! | `GET /form/NAME`         | shows the form alone                              |
//! | `POST /form/NAME`        | takes an answer                                   |
//! | `GET /form/NAME/thanks`  | says that it is kept                              |
//!
//! A form in a static page is the same bytes for everybody, so it holds no token and no time.
//! What it sends is taken when the browser says that it comes from a page of this site
//! (`Sec-Fetch-Site`, `Origin`: no page elsewhere can say so). When that is not said, the
//! answer is the form as a page of the edge, with a token and with all that was typed: one
//! click more, and nothing is lost. How long somebody took to write is not looked at: a time
//! that the client brings along proves nothing. Against programs stand the trap (a field that
//! people do not see), and how often one network may send.
//!
//! Whatever goes wrong, the answer is the form with what was typed in it: a value that is
//! refused, too many answers, a store that does not answer. Files are the exception, because
//! no page can give a file back to a browser, and it is said beside the field.

mod again;
mod letters;
mod received;
mod send;
mod uploads;

use warp::Filter;
use warp::filters::BoxedFilter;

use super::node::Edge;
use super::page::Page;
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{Visit, visit};
use crate::site::form::{Filled, Form, shown};
use crate::site::reserved::FORM;
use crate::store::Unfit;

pub(super) use received::{Brought, addressed, receive};
pub use uploads::Uploads;

/// The routes of this room.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    let named = || warp::path("form").and(warp::path::param::<String>());
    let with = || room::with(edge.clone());
    named()
        .and(warp::path::end())
        .and(room::get())
        .and(with())
        .and(visit(edge.clone()))
        .then(show)
        .map(room::answer)
        .or(named()
            .and(warp::path::end())
            .and(room::post())
            .and(with())
            .and(visit(edge.clone()))
            .and(warp::ext::optional::<Brought>())
            .and(warp::body::bytes())
            .then(send::send)
            .map(room::answer))
        .unify()
        .or(named()
            .and(warp::path("thanks"))
            .and(warp::path::end())
            .and(room::get())
            .and(with())
            .and(visit(edge.clone()))
            .then(thanks)
            .map(room::answer))
        .unify()
        .boxed()
}

/// The form of this name in the live release.
fn declared(edge: &Edge, name: &str) -> Result<Form, Refusal> {
    edge.release().forms.get(name).cloned().ok_or(Refusal::NotFound)
}

/// `GET /form/NAME`
async fn show(name: String, edge: Edge, visit: Visit) -> Result<Response, Refusal> {
    let form = declared(&edge, &name)?;
    match can_be_taken(&edge, &form).await {
        Ok(()) => again::first(&visit.reader, &form),
        Err(()) => again::page(&visit.reader, &form, Filled::default(), &again::Why::Closed),
    }
}

/// `GET /form/NAME/thanks`
async fn thanks(name: String, edge: Edge, visit: Visit) -> Result<Page, Refusal> {
    let form = declared(&edge, &name)?;
    let data = shown(&form, &Filled::default());
    Ok(visit.reader.dress(Page::new("form/thanks", form.title, data)))
}

/// Whether answers can be kept where the form sends them. What is in the way is told to the
/// log, with what to do.
async fn can_be_taken(edge: &Edge, form: &Form) -> Result<(), ()> {
    let Some(store) = edge.store() else {
        tracing::error!(form = form.name, "the edge was started when the site had no forms: start it again");
        return Err(());
    };
    let Some(goes_to) = &form.goes_to else { return Ok(()) };
    let columns = goes_to.columns.iter().filter_map(|(column, field)| {
        let kind = &form.field(field)?.kind;
        Some((column.clone(), kind.column()?))
    });
    let columns: Vec<_> = columns.collect();
    let unfit: Result<Option<Unfit>, _> = store.unfit(&goes_to.table, &columns).await;
    match unfit {
        Ok(None) => Ok(()),
        Ok(Some(unfit)) => {
            tracing::error!(
                form = form.name,
                "{unfit}: make the table as dynamic/forms/{}.yaml names it, or change `goes_to`; until then {FORM}/{} \
                 takes no answers",
                form.name,
                form.name
            );
            Err(())
        }
        Err(error) => {
            tracing::error!(%error, form = form.name, "the store did not say whether it has the table of a form");
            Err(())
        }
    }
}

/// Looks at the tables of all forms, so that the log says at the start what is missing, and
/// removes what an edge that was killed has left of files on their way.
pub(super) async fn prepare(edge: Edge) {
    let release = edge.release();
    if release.forms.is_empty() {
        return;
    }
    Uploads::of(edge.root()).sweep().await;
    for form in release.forms.values() {
        let _ = can_be_taken(&edge, form).await;
    }
}
