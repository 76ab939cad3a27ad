//! Why identity says no.

baedal_kit_http::problem_types! {
    PHONE_TAKEN = (409, "phone_taken", "The phone number has an account", "Sign in with it, or use another number. A number has one account, whatever its role.");
    WRONG_CREDENTIALS = (401, "wrong_credentials", "Wrong phone number or password", "There is no account with this phone number and this password. Which of the two is wrong is not told. After several in a row attempts are slowed down.");
    GUESSING = (429, "guessing", "Too many wrong passwords", "There were several wrong passwords in a row, and nothing is looked at before as many seconds have passed as `Retry-After` says, the right password neither. `detail` says what is slowed down: this device, at this account; or this phone number, for devices that have not signed in with it before; or this address, for such devices. A device that has signed in before and sends the `device_token` that it was given is counted by itself, and nobody else keeps it waiting.");
    WRONG_CODE = (422, "wrong_code", "Wrong or old code", "The code is not the one that was sent to this phone number last, it is older than three minutes, or it was tried too often or used before. Ask for another with `POST /api/phone-codes`.");
    TOO_MANY_CODES = (429, "too_many_codes", "Too many codes", "So many codes were asked for, for this phone number or from this address, that no more is sent for as many seconds as `Retry-After` says, and for an hour at least where it says an hour. The last one that was sent is good for three minutes.");
    REFRESH_TOKEN_REFUSED = (401, "refresh_token_refused", "The refresh token is not valid", "It has expired, it was used before, or one of its family was used twice. A token that is used again, later than a moment after the first time, has been copied, so all that came from the same sign-in are revoked. Sign in again.");
}
