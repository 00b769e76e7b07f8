//! What is declared for all services of an environment, in the tables that teams keep on their own page. Owns how the
//! services stand together; which rows there are is the config's, and no secret is among them.

use maud::{Markup, html};
use towpath_config::Table;
use towpath_core::matrix::{Environment, Matrix};

use crate::pages::changes;
use crate::pages::lane::tables::across;

/// How many services are named beside a value; the others are counted.
const NAMED: usize = 6;

pub(super) fn section(matrix: &Matrix, own: &Environment) -> Markup {
    let mut here = matrix.clone();
    here.environments = vec![own.clone()];
    let tables = changes::readable(&here);
    html! {
        @if tables.is_empty() { p.q { "The matrix declares nothing about it beside its gates and its rollouts." } }
        div.tables {
            @for table in &tables {
                @let services = services(table, own.name.as_str());
                section {
                    h3 { (table.title) }
                    dl.facts { @for (name, values) in across(table) {
                        dt { (name) } dd { (value(&services, &values)) }
                    } }
                }
            }
        }
    }
}

/// The services that a table tells apart, in the order of its values; none where it is the same for all.
fn services<'a>(table: &'a Table, environment: &str) -> Vec<&'a str> {
    let has_columns = table.columns.first().is_some_and(String::is_empty);
    let heads: Vec<&str> = if has_columns {
        table.columns.iter().skip(1).map(String::as_str).collect()
    } else {
        table.rows.iter().filter_map(|row| row.first().map(String::as_str)).collect()
    };
    let own = |head: &'a str| head.strip_prefix(environment)?.strip_prefix(", ");
    heads.into_iter().filter_map(own).collect()
}

/// One value where all have it; else each with those who have it, the one that most have first.
fn value(services: &[&str], values: &[&str]) -> Markup {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let service = services.get(at).copied().unwrap_or_default();
        match groups.iter_mut().find(|(known, _)| known == value) {
            Some((_, own)) => own.push(service),
            None => groups.push((value, vec![service])),
        }
    }
    groups.sort_by_key(|(_, own)| std::cmp::Reverse(own.len()));
    let is_one = groups.len() == 1;
    html! {
        @for (value, own) in &groups {
            div { (value) @if !is_one { " " span.qq { (named(own)) } } }
        }
    }
}

fn named(services: &[&str]) -> String {
    let first = services.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match services.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_with_the_same_value_stand_together_and_most_of_them_first() {
        let said = value(&["api", "web", "worker"], &["1", "3", "3"]).into_string();
        let (three, one) = (said.find("web, worker").unwrap(), said.find(">api<").unwrap());
        assert!(three < one, "{said}");
        assert!(!value(&["api", "web"], &["3", "3"]).into_string().contains("api"));
        let many: Vec<String> = (0..9).map(|number| format!("s{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(named(&many), "s0, s1, s2, s3, s4, s5 and 3 more");
    }
}
