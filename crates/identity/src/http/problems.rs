//! Why identity says no.

baedal_kit::problem_types! {
    PHONE_TAKEN = (409, "phone_taken", "The phone number has an account", "Sign in with it, or use another number. A number has one account, whatever its role.");
    WRONG_CREDENTIALS = (401, "wrong_credentials", "Wrong phone number or password", "There is no account with this phone number and this password. Which of the two is wrong is not told. After several wrong passwords in a row each further attempt has to wait.");
    GUESSING = (429, "guessing", "Too many wrong passwords", "There were several wrong passwords in a row for this phone number or from this address. Wait for as many seconds as `Retry-After` says; the right password ends the waiting.");
    REFRESH_TOKEN_REFUSED = (401, "refresh_token_refused", "The refresh token is not valid", "It has expired, it was used before, or one of its family was used twice. A token that is used again, later than a moment after the first time, has been copied, so all that came from the same sign-in are revoked. Sign in again.");
}
