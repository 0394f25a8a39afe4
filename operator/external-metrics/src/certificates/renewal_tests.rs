use std::time::{Duration, SystemTime};

use super::*;
use crate::certificates::issue::{Names, apply, start};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Whole seconds, as certificates have no parts of them.
fn begin() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn names() -> Names {
    Names::of_service("metrics", "server")
}

fn begun() -> State {
    start(&names(), &Lifetimes::default(), begin()).unwrap()
}

fn step_at(state: &State, after: Duration) -> Step {
    step(state, &Lifetimes::default(), true, begin() + after)
}

fn advance(state: State, expected: Step, after: Duration) -> State {
    assert_eq!(step_at(&state, after), expected);
    let now = begin() + after;
    apply(expected, state, &names(), &Lifetimes::default(), now).unwrap()
}

#[test]
fn a_fresh_state_needs_nothing() {
    assert_eq!(step_at(&begun(), Duration::ZERO), Step::Keep);
}

#[test]
fn a_leaf_of_ninety_days_is_renewed_on_day_sixty() {
    let state = begun();
    assert_eq!(step_at(&state, 59 * DAY), Step::Keep);
    let renewed = advance(state.clone(), Step::IssueLeaf, 60 * DAY);
    assert_ne!(renewed.leaf, state.leaf);
    assert_eq!(renewed.authority, state.authority);
    assert_eq!(step_at(&renewed, 60 * DAY), Step::Keep);
    assert_eq!(step_at(&renewed, 119 * DAY), Step::Keep);
    assert_eq!(step_at(&renewed, 120 * DAY), Step::IssueLeaf);
}

#[test]
fn an_authority_is_known_before_it_signs_and_after_it_has_signed() {
    let hour = Duration::from_secs(3600);
    let at = 5 * 365 * DAY * 2 / 3;
    let mut state = begun();
    // As it would be by then.
    state = apply(
        Step::IssueLeaf,
        state,
        &names(),
        &Lifetimes::default(),
        begin() + at - DAY,
    )
    .unwrap();
    let old = state.authority.clone();
    assert_eq!(step_at(&state, at - DAY), Step::Keep);

    state = advance(state, Step::IntroduceAuthority, at);
    let new = state.next.clone().unwrap();
    assert_eq!(state.authority, old);
    assert!(state.bundle().contains(&old.public.pem) && state.bundle().contains(&new.public.pem));
    assert_eq!(
        step_at(&state, at + hour - Duration::from_secs(1)),
        Step::Keep
    );

    state = advance(state, Step::PromoteAuthority, at + hour);
    assert_eq!(state.authority, new);
    assert_eq!(state.previous.as_ref(), Some(&old.public));
    assert!(state.bundle().contains(&old.public.pem));
    assert_eq!(
        step_at(&state, at + 2 * hour - Duration::from_secs(1)),
        Step::Keep
    );

    state = advance(state, Step::ForgetPrevious, at + 2 * hour);
    assert_eq!(state.bundle(), new.public.pem);
    assert_eq!(step_at(&state, at + 2 * hour), Step::Keep);
}

#[test]
fn an_authority_that_api_servers_were_not_told_does_not_sign() {
    let at = 5 * 365 * DAY * 2 / 3;
    let state = apply(
        Step::IssueLeaf,
        begun(),
        &names(),
        &Lifetimes::default(),
        begin() + at,
    )
    .unwrap();
    let state = advance(state, Step::IntroduceAuthority, at);
    let later = begin() + at + DAY;
    assert_eq!(
        step(&state, &Lifetimes::default(), false, later),
        Step::Keep
    );
    assert_eq!(
        step(&state, &Lifetimes::default(), true, later),
        Step::PromoteAuthority
    );
}

#[test]
fn after_the_end_of_the_authority_all_begins_anew() {
    assert_eq!(step_at(&begun(), 5 * 365 * DAY), Step::StartAnew);
}

#[test]
fn no_leaf_outlives_its_authority_nor_is_issued_again_and_again_at_its_end() {
    let at = 5 * 365 * DAY - DAY;
    let mut state = begun();
    // The next authority is there but cannot be published.
    state = apply(
        Step::IntroduceAuthority,
        state,
        &names(),
        &Lifetimes::default(),
        begin() + at,
    )
    .unwrap();
    state = apply(
        Step::IssueLeaf,
        state,
        &names(),
        &Lifetimes::default(),
        begin() + at,
    )
    .unwrap();
    assert_eq!(
        state.leaf.public.facts.not_after,
        state.authority.public.facts.not_after
    );
    let almost = begin() + at + DAY - Duration::from_secs(1);
    assert_eq!(
        step(&state, &Lifetimes::default(), false, almost),
        Step::Keep
    );
}

#[test]
fn replicas_look_ten_times_within_the_overlap_and_at_least_once_a_minute() {
    assert_eq!(Lifetimes::default().pause(), Duration::from_secs(60));
    let short = Lifetimes {
        overlap: Duration::from_secs(5),
        ..Lifetimes::default()
    };
    assert_eq!(short.pause(), Duration::from_millis(500));
}
