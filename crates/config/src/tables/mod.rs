//! The tables that people know the matrix by, filled from what the file says: page and program
//! can be laid side by side. Owns which columns there are; prints nothing.

mod form;
mod layouts;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};
use towpath_core::approvals::Need;
use towpath_core::matrix::{Decider, Environment, LaneSpec, Matrix, Step};
use towpath_core::units::{Span, Weight};

use crate::quantities;
use form::{Form, NOTHING, cell};
use layouts::{Column, Columns, LAYOUTS, Layout};

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What a program calls it: `infrastructure`.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// The heads of the columns; the first names the rows.
    pub columns: Vec<String>,
    /// As many cells in each as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// Every table about which the matrix says anything, in the order of its sections. The same matrix
/// gives the same tables. Hides no secret: what is shown to people is made of [`crate::Checked::shown`].
pub fn tables(matrix: &Matrix) -> Vec<Table> {
    let rows: Vec<Row> = matrix.environments.iter().flat_map(rows).collect();
    let said = |table: &Table| table.columns.len() > 1 && !table.rows.is_empty();
    LAYOUTS.iter().map(|layout| layout.fill(&rows)).filter(said).collect()
}

/// The names of all tables, in their order.
pub fn table_names() -> impl Iterator<Item = &'static str> {
    LAYOUTS.iter().map(|layout| layout.name)
}

/// One service in one environment.
struct Row {
    environment: String,
    service: String,
    values: Value,
}

impl Layout {
    fn fill(&self, rows: &[Row]) -> Table {
        let mut filled: Vec<Vec<String>> = Vec::new();
        let wanted = self.columns.among(rows);
        for of_one in rows.chunk_by(|one, next| one.environment == next.environment) {
            let cells = |row: &Row| -> Vec<String> {
                wanted.iter().map(|column| column.cell(&row.values)).collect()
            };
            let all: Vec<Vec<String>> = of_one.iter().map(cells).collect();
            // An environment stands once where this table is the same for all of its services.
            let alike = all.windows(2).all(|pair| pair[0] == pair[1]);
            for (row, cells) in of_one.iter().zip(all).take(if alike { 1 } else { usize::MAX }) {
                let environment = &row.environment;
                let name = if alike {
                    environment.clone()
                } else {
                    format!("{environment}, {}", row.service)
                };
                filled.push(std::iter::once(name).chain(cells).collect());
            }
        }
        let heads = wanted.iter().map(|it| it.head.clone());
        let mut columns: Vec<String> =
            std::iter::once("Environment".to_owned()).chain(heads).collect();
        // A column about which no environment says anything only makes the others hard to read.
        for index in (1..columns.len()).rev() {
            if filled.iter().all(|row| row[index] == NOTHING) {
                columns.remove(index);
                for row in &mut filled {
                    row.remove(index);
                }
            }
        }
        let (columns, rows) =
            if self.across { turned(columns, &filled) } else { (columns, filled) };
        Table { name: self.name, title: self.title, columns, rows }
    }
}

/// The same with rows as columns.
fn turned(columns: Vec<String>, rows: &[Vec<String>]) -> (Vec<String>, Vec<Vec<String>>) {
    let names = rows.iter().filter_map(|row| row.first().cloned());
    let head = std::iter::once(String::new()).chain(names).collect();
    let body = columns.into_iter().enumerate().skip(1).map(|(index, name)| {
        let cells = rows.iter().filter_map(|row| row.get(index).cloned());
        std::iter::once(name).chain(cells).collect()
    });
    (head, body.collect())
}

/// One column of a table that is being filled.
struct Wanted {
    head: String,
    path: String,
    form: Form,
}

impl From<&Column> for Wanted {
    fn from(column: &Column) -> Self {
        Self { head: column.head.to_owned(), path: column.path.to_owned(), form: column.form }
    }
}

impl Columns {
    /// The columns themselves; of names that people chose, all that any row has, in order.
    fn among(&self, rows: &[Row]) -> Vec<Wanted> {
        let (section, keys, form) = match self {
            Self::Fixed(columns) => return columns.iter().map(Wanted::from).collect(),
            Self::Each(section, keys, form) => (section, keys, *form),
        };
        let maps = rows.iter().filter_map(|row| row.values.get(section)?.as_object());
        let names: BTreeSet<&String> = maps.flat_map(serde_json::Map::keys).collect();
        let paths = |name: &str| -> Vec<String> {
            keys.split('|').map(|key| format!("{section}.{name}{key}")).collect()
        };
        let column =
            |name: &String| Wanted { head: name.clone(), path: paths(name).join("|"), form };
        names.into_iter().filter(|name| !name.starts_with("x-")).map(column).collect()
    }
}

impl Wanted {
    fn cell(&self, values: &Value) -> String {
        let found = self.path.split('|').find_map(|path| {
            let mut value = values;
            for part in path.split('.') {
                value = value.get(part)?;
            }
            Some((path, value))
        });
        let cell = cell(found.map(|(_, value)| value), self.form);
        match found {
            Some((path, _)) if path.ends_with(".renew_before") => format!("{cell} before its end"),
            _ => cell,
        }
    }
}

fn rows(environment: &Environment) -> Vec<Row> {
    let special = environment.declared.get("services");
    environment
        .lanes
        .iter()
        .map(|(service, lane)| Row {
            environment: environment.name.to_string(),
            service: service.to_string(),
            values: values(environment, lane, special.and_then(|it| it.get(service.as_str()))),
        })
        .collect()
}

fn values(environment: &Environment, lane: &LaneSpec, own: Option<&Value>) -> Value {
    let mut values: BTreeMap<String, Value> = environment.declared.clone();
    for (section, value) in own.and_then(Value::as_object).into_iter().flatten() {
        values.insert(section.clone(), value.clone());
    }
    if let Some(total) = values.get("costs").and_then(total) {
        values.entry("costs".to_owned()).and_modify(|costs| costs["total"] = json!(total));
    }
    let health = &lane.health;
    if !health.endpoints.is_empty() {
        let every = health.every.map_or_else(|| "manual".to_owned(), |every| every.to_string());
        values.insert(
            "health".to_owned(),
            json!({
                "every": every,
                "timeout": health.timeout.to_string(),
                "retries": health.retries,
                "endpoints": health.endpoints,
            }),
        );
    }
    if let Some(holdback) = lane.holdback.as_ref().filter(|it| it.share > Weight::ZERO) {
        let text = format!("{} for {}", holdback.share, holdback.lasts);
        values.insert("holdback".to_owned(), json!(text));
    }
    let decided = |decider| if decider == Decider::Automatic { "automatic" } else { "manual" };
    values.extend([
        ("settings".to_owned(), json!(lane.settings)),
        ("instances".to_owned(), json!(lane.instances)),
        ("promote".to_owned(), json!(decided(environment.promote))),
        ("standby".to_owned(), json!(lane.standby.to_string())),
        (
            "rollout".to_owned(),
            json!({ "strategy": lane.rollout.strategy, "steps": steps(&lane.rollout.steps) }),
        ),
        (
            "rollback".to_owned(),
            json!({
                "mode": decided(lane.rollback.mode),
                "within": lane.rollback.within.map(|within| within.to_string()),
                "signals": lane.rollback.signals,
            }),
        ),
    ]);
    if let Some(rules) = &lane.approvals {
        let counts = |needs: &[Need]| -> serde_json::Map<String, Value> {
            needs.iter().map(|one| (one.role.to_string(), json!(one.people))).collect()
        };
        let of_types = rules.by_type.iter().map(|(of, needs)| (of.as_str(), needs));
        let all = rules.all.iter().map(|needs| ("all", needs)).chain(of_types);
        let all: serde_json::Map<String, Value> =
            all.map(|(of, needs)| (of.to_owned(), json!(counts(needs)))).collect();
        values.insert("approvals".to_owned(), all.into());
    }
    if !environment.who_may.is_empty() {
        values.insert("who_may".to_owned(), json!(environment.who_may));
    }
    if let Some(url) = &environment.url {
        values.insert("url".to_owned(), json!(url));
    }
    if let Some(purpose) = &environment.purpose {
        values.insert("purpose".to_owned(), json!(purpose));
    }
    json!(values)
}

/// `1% for 5m, 100% for 1h`, and `10% every 5m` where all steps are alike.
fn steps(steps: &[Step]) -> String {
    let time = |step: &Step| match (step.bake_min, step.bake_max) {
        (least, most) if least == most => form::time(least),
        (least, most) => format!("{} to {}", form::time(least), form::time(most)),
    };
    let each = steps.iter().map(|step| match step.bake_max {
        Span::ZERO => step.weight.to_string(),
        _ => format!("{} for {}", step.weight, time(step)),
    });
    let [first, _, ..] = steps else { return each.collect() };
    let size = first.weight.basis_points();
    let alike = steps.iter().zip(1..).all(|(step, number)| {
        step.weight.basis_points() == size.saturating_mul(number) && time(step) == time(first)
    });
    if alike {
        return format!("{} every {}", first.weight, time(first));
    }
    each.collect::<Vec<_>>().join(", ")
}

/// The lines of `costs` added up, where they are of one currency and one time.
fn total(costs: &Value) -> Option<String> {
    let lines = costs.as_object()?.iter().filter(|(key, _)| *key != "budget");
    let sums: Vec<quantities::Money> =
        lines.filter_map(|(_, sum)| quantities::money(sum.as_str()?)).collect();
    let first = sums.first()?;
    let same = sums.iter().all(|it| it.currency == first.currency && it.per == first.per);
    let cents = sums.iter().fold(0_u64, |all, it| all.saturating_add(it.cents));
    let (whole, part) = (cents / 100, cents % 100);
    let part = if part == 0 { String::new() } else { format!(".{part:02}") };
    same.then(|| format!("{}{whole}{part}/{}", first.currency, first.per))
}
