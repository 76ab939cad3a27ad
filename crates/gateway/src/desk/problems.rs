//! `GET /problems`, `GET /problems/{name}`: what each kind of problem means, for people and for machines.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use baedal_kit_http::{Path, Problem, ProblemBody, ProblemType};
use http::{HeaderMap, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Desk, pages};

/// A kind of problem.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Described {
    /// The `type` of such problems.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not_found")]
    kind: String,
    /// What it is, in a few words.
    title: &'static str,
    /// The status of such answers.
    status: u16,
    /// What it means and what to do about it.
    about: &'static str,
}

impl From<&ProblemType> for Described {
    fn from(problem: &ProblemType) -> Self {
        Self {
            kind: format!("/problems/{}", problem.name),
            title: problem.title,
            status: problem.status,
            about: problem.about,
        }
    }
}

/// Every kind of problem
///
/// As a page, or as JSON where `Accept` asks for it.
#[utoipa::path(get, path = "/problems", tag = "documentation", responses(
    (status = 200, description = "The kinds of problems", content(
        (Vec<Described> = "application/json"),
        (String = "text/html"),
    )),
))]
pub(super) async fn all(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    if wants_json(&headers) {
        let described: Vec<_> = desk.problems.values().map(|problem| Described::from(*problem)).collect();
        return Json(described).into_response();
    }
    let articles: String = desk.problems.values().map(|problem| article(problem)).collect();
    pages::page(html("Problems", &articles)).into_response()
}

/// One kind of problem
///
/// The address that a problem's `type` names. As a page, or as JSON where `Accept` asks for it.
#[utoipa::path(get, path = "/problems/{name}", tag = "documentation",
    params(("name" = String, Path, description = "The kind", example = "not_found")),
    responses(
        (status = 200, description = "What it means", content(
            (Described = "application/json"),
            (String = "text/html"),
        )),
        (status = 404, description = "There is no such kind", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn one(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let problem = desk.problems.get(name.as_str()).ok_or_else(|| Problem::not_found("kind of problem"))?;
    if wants_json(&headers) {
        return Ok(Json(Described::from(*problem)).into_response());
    }
    Ok(pages::page(html(problem.title, &article(problem))).into_response())
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("json") && !accept.contains("text/html")
}

fn article(problem: &ProblemType) -> String {
    let ProblemType { name, status, title, about } = problem;
    let (name, title, about) = (escaped(name), escaped(title), with_code(&escaped(about)));
    format!(
        "<article id=\"{name}\"><h2>{title}</h2>\
         <p class=\"kind\"><b>{status}</b> <a href=\"/problems/{name}\"><code>/problems/{name}</code></a></p>\
         <p>{about}</p></article>"
    )
}

fn html(title: &str, articles: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title} · Baedal</title>\
         <style>{STYLE}</style></head><body><main><nav><a href=\"/api/docs\">Interface</a> \
         <a href=\"/problems\">All problems</a></nav><h1>{title}</h1>{articles}</main></body></html>"
    )
}

const STYLE: &str = ":root{color-scheme:light dark;--line:light-dark(#d9dee5,#30363d);--soft:light-dark(#57606a,#9aa4af);\
     --link:light-dark(#0b5fad,#7ab8ff)}body{font:16px/1.6 system-ui,sans-serif;margin:0}\
     main{max-width:46rem;margin:auto;padding:1.5rem 1rem 4rem}a{color:var(--link)}nav a{margin-right:1rem}\
     article{border-top:1px solid var(--line);padding:.5rem 0}h2{font-size:1.1rem;margin:.5rem 0 0}\
     .kind{color:var(--soft);margin:.2rem 0}";

/// What stands between backticks, as code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(place, part)| if place % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
