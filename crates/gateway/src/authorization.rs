//! Whether whoever asks may call a route at all. Whether the thing asked for is theirs, its context knows.

use baedal_kit_http::problem::FORBIDDEN;
use baedal_kit_http::{Caller, Problem};

use crate::authentication::sign_in_first;
use crate::routes::Access;

/// Lets the caller pass, or says why not.
pub(crate) fn allow(access: Access, caller: Option<Caller>) -> Result<(), Problem> {
    match (access, caller) {
        (Access::Open | Access::Public, _) | (Access::SignedIn, Some(_)) => Ok(()),
        (Access::SignedIn | Access::Roles(_), None) => Err(sign_in_first()),
        (Access::Roles(roles), Some(caller)) if roles.contains(&caller.role) => Ok(()),
        (Access::Roles(roles), Some(caller)) => {
            let wanted = roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
            Err(Problem::new(&FORBIDDEN, format!("this is for the role {wanted}; yours is {}", caller.role)))
        }
    }
}

#[cfg(test)]
mod tests {
    use baedal_contracts::AccountId;
    use baedal_contracts::identity::Role;

    use super::*;

    fn status(access: Access, role: Option<Role>) -> u16 {
        let caller = role.map(|role| Caller { account_id: AccountId(uuid::Uuid::nil()), role });
        allow(access, caller).err().map_or(200, |problem| problem.kind().status)
    }

    #[test]
    fn the_matrix() {
        let (customer, operator) = (Some(Role::Customer), Some(Role::Operator));
        let only_operators = Access::Roles(&[Role::Operator]);
        for (access, role, expected) in [
            (Access::Open, None, 200),
            (Access::Open, customer, 200),
            (Access::Public, None, 200),
            (Access::Public, customer, 200),
            (Access::SignedIn, None, 401),
            (Access::SignedIn, customer, 200),
            (only_operators, None, 401),
            (only_operators, customer, 403),
            (only_operators, operator, 200),
            (Access::Roles(&[Role::Customer, Role::Operator]), customer, 200),
        ] {
            assert_eq!(status(access, role), expected, "{access:?} {role:?}");
        }
    }
}
