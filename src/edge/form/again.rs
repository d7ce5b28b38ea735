//! The form as a page: at first, and again with what was typed and what is wrong.

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use jiff::SignedDuration;

use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::Reader;
use crate::site::form::{Filled, Form, shown};

const TEMPLATE: &str = "form/page";

/// Why the form comes back.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Why {
    /// Something in it is to be changed, or looked over.
    Faults,
    /// Nobody says that it was sent from a page of this site.
    UnknownOrigin,
    /// Too often; may be tried again after this time.
    TooMany(SignedDuration),
    /// It could not be kept.
    NotKept,
    /// The site's author has something to do first.
    Closed,
}

impl Why {
    fn status(&self) -> StatusCode {
        match self {
            Self::Faults => StatusCode::UNPROCESSABLE_ENTITY,
            Self::UnknownOrigin => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotKept | Self::Closed => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn heading(&self) -> &'static str {
        match self {
            Self::Faults => "This was not sent yet. Please look at:",
            Self::UnknownOrigin => "Please send it once more",
            Self::TooMany(_) => "Please wait a moment",
            Self::NotKept => "This could not be kept. Please try again",
            Self::Closed => "This form is closed for the moment",
        }
    }

    fn words(&self) -> Option<String> {
        Some(match self {
            Self::Faults => return None,
            Self::UnknownOrigin => "Your browser did not say that this came from a page of this site. What you wrote \
                                    is below: look it over, and send it from here."
                .to_owned(),
            Self::TooMany(wait) => {
                let seconds = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
                format!("Much was sent from your network. What you wrote is below: send it again in {seconds} seconds.")
            }
            Self::NotKept => "The fault is ours. What you wrote is below: send it again in a moment.".to_owned(),
            Self::Closed => {
                "It takes no answers just now. The fault is ours, and it has been noted. What you wrote is below."
                    .to_owned()
            }
        })
    }
}

/// The form, empty.
pub(super) fn first(reader: &Reader, form: &Form) -> Result<Response, Refusal> {
    reader.form_page(TEMPLATE, &form.title, shown(form, &Filled::default()))
}

/// The form with what was typed.
pub(super) fn page(reader: &Reader, form: &Form, mut filled: Filled, why: &Why) -> Result<Response, Refusal> {
    filled.whole.extend(why.words());
    let mut data = shown(form, &filled);
    data["said"] = why.heading().into();
    let mut response = reader.form_page(TEMPLATE, &format!("Error: {}", form.title), data)?;
    *response.status_mut() = why.status();
    if let Why::TooMany(wait) = why {
        response.headers_mut().insert(RETRY_AFTER, (wait.as_secs().max(0) + 1).into());
    }
    Ok(response)
}
