//! Users of the demonstration.

use std::collections::HashSet;

use chrono::Duration;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use sea_orm::{DbErr, Set};

use super::pick;
use crate::entity::types::Timestamp;
use crate::entity::{columns, user};

const FIRST: &[&str] = &[
    "Sky", "Jet", "Cloud", "Runway", "Captain", "Aero", "Turbo", "Night", "Polar", "Delta", "Nova", "Blue", "Iron",
    "Swift", "Lucky", "Quiet", "Cosmic", "Pixel", "Rapid", "Silver",
];
const SECOND: &[&str] = &[
    "Pilot", "Wing", "Flyer", "Hopper", "Rider", "Fox", "Falcon", "Comet", "Drifter", "Ace", "Voyager", "Badger",
    "Panda", "Nomad", "Builder", "Tower", "Heron", "Otter", "Rocket", "Wolf",
];

/// Users whose accounts are 61 to 400 days old, so that each is older than every flight. All balances are zero.
pub(super) fn generate(rng: &mut ChaCha8Rng, count: usize, midnight: Timestamp) -> Result<Vec<user::Model>, DbErr> {
    let (mut ids, mut names) = (HashSet::new(), HashSet::new());
    let mut users = Vec::with_capacity(count);
    while users.len() < count {
        let user_id = rng.random_range(100_000_u64..9_000_000_000).to_string();
        let (first, second) = (*pick(rng, FIRST), *pick(rng, SECOND));
        let username = format!("{first}{second}{}", rng.random_range(1..1_000_000));
        if !ids.insert(user_id.clone()) || !names.insert(username.clone()) {
            continue;
        }
        let minutes = rng.random_range(61 * 24 * 60..400 * 24 * 60);
        let created_at = Timestamp::new(midnight.0 - Duration::minutes(minutes));
        users.push(columns::complete(
            user::ActiveModel {
                avatar_url: Set(rng
                    .random_bool(0.7)
                    .then(|| format!("https://tr.rbxcdn.com/{user_id}/150/150/AvatarHeadshot/Png"))),
                user_id: Set(user_id),
                username: Set(username),
                display_name: Set(format!("{first} {second}")),
                miles: Set(0),
                created_at: Set(created_at),
                updated_at: Set(created_at),
                ..Default::default()
            },
            created_at,
        )?);
    }
    Ok(users)
}
