//! Channels, tests of them, and notices that did not arrive.

use towpath_engine::views::{
    ChannelView, DeadNoticeView, DeliveredNoticeView, NoticesView, PendingNoticeView, TestView,
};

use super::both;
use crate::report::notify;

/// The moment of every report.
const NOW: &str = "2027-01-12T15:31:08Z";

fn channels() -> Vec<ChannelView> {
    let channel = |name: &str, kind: &str, missing: Option<&str>, secrets: &[&str]| ChannelView {
        name: name.to_owned(),
        kind: kind.to_owned(),
        missing: missing.map(str::to_owned),
        secrets: secrets.iter().map(|own| (*own).to_owned()).collect(),
    };
    vec![
        channel("email", "smtp", None, &["MAIL_PASSWORD"]),
        channel("pager", "pagerduty", Some("notifier `pagerduty` is planned"), &[]),
        channel("slack", "webhook", None, &["SLACK_WEBHOOK_URL"]),
    ]
}

fn test(channel: &str, arrived: bool, sentence: &str) -> TestView {
    TestView {
        format: 1,
        channel: channel.to_owned(),
        kind: "webhook".to_owned(),
        id: format!("test-1-{channel}"),
        arrived,
        sentence: sentence.to_owned(),
    }
}

#[test]
fn a_test_says_what_each_channel_said_and_which_were_not_tried() {
    let tried = [
        test("email", true, "smtp.example.org:587 took it: queued as 7"),
        test("slack", false, "the address in SLACK_WEBHOOK_URL answered 403: no\u{1b}[2J"),
    ];
    insta::assert_snapshot!(both(NOW, |style| notify::tests(&tried, &channels(), style)));
}

#[test]
fn the_list_has_channels_what_is_on_its_way_and_what_never_arrived() {
    let pending = PendingNoticeView {
        id: "6635b5a8dc000-3-18-0".to_owned(),
        channel: "slack".to_owned(),
        occasion: "rolled_back".to_owned(),
        promotion: Some(18),
        subject: "[soundbite] production went back".to_owned(),
        since: "2027-01-12T14:27:36Z".to_owned(),
        attempts: 3,
        sentence: Some("the address in SLACK_WEBHOOK_URL did not answer within 10s".to_owned()),
        next_at: None,
    };
    let dead = DeadNoticeView {
        id: "6635b5a8dc000-3-17-0".to_owned(),
        channel: "email".to_owned(),
        occasion: "succeeded".to_owned(),
        promotion: Some(17),
        subject: "[soundbite] production serves 1.4.0".to_owned(),
        since: "2027-01-12T14:27:36Z".to_owned(),
        attempts: 29,
        sentence: "550 no such user".to_owned(),
    };
    let view = |pending, dead| NoticesView { format: 1, channels: channels(), pending, dead };
    let some = view(vec![pending], vec![dead]);
    let none = NoticesView { channels: Vec::new(), ..view(Vec::new(), Vec::new()) };
    let texts = [
        both(NOW, |style| notify::list(&some, style)),
        both(NOW, |style| notify::list(&none, style)),
    ];
    insta::assert_snapshot!(texts.join("\n=====\n"));
}

#[test]
fn what_arrived_is_listed_with_how_it_is_sent_once_more() {
    let one = |id: &str, subject: Option<&str>| DeliveredNoticeView {
        event: 7,
        id: id.to_owned(),
        channel: "email".to_owned(),
        occasion: "rolled_back".to_owned(),
        promotion: Some(17),
        subject: subject.map(str::to_owned),
        at: "2027-01-12T14:27:36Z".to_owned(),
        attempts: 1,
    };
    let all =
        [one("old", None), one("6635b5a8dc000-3-17-0", Some("production\u{1b}[2J went back"))];
    let texts = [
        both(NOW, |style| notify::arrived(&all, style)),
        both(NOW, |style| notify::arrived(&[], style)),
    ];
    insta::assert_snapshot!(texts.join("\n=====\n"));
}
