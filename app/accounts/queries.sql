-- name: add_user
-- Also wakes a removed user; no row comes back when the id is in use.
INSERT INTO users (user_id, role, password_argon2, district)
VALUES (%(user_id)s, %(role)s, %(password_argon2)s, %(district)s)
ON CONFLICT (user_id) DO UPDATE
SET role = excluded.role, password_argon2 = excluded.password_argon2, created_at = now(),
    removed_at = NULL, district = excluded.district, totp_sealed = NULL, totp_step = 0,
    oidc_subject = NULL
WHERE users.removed_at IS NOT NULL
RETURNING user_id

-- name: add_household
INSERT INTO user_households (user_id, household_id) VALUES (%(user_id)s, %(household_id)s)

-- name: forget_households
DELETE FROM user_households WHERE user_id = %(user_id)s

-- name: hold_guardian
-- Held until the end of the transaction: whoever leaves the last home leaves the service.
SELECT FROM users
WHERE user_id = %(user_id)s AND role = 'guardian' AND removed_at IS NULL FOR UPDATE

-- name: join_household
INSERT INTO user_households (user_id, household_id) VALUES (%(user_id)s, %(household_id)s)
ON CONFLICT DO NOTHING

-- name: leave_household
DELETE FROM user_households WHERE user_id = %(user_id)s AND household_id = %(household_id)s

-- name: any_household
SELECT FROM user_households WHERE user_id = %(user_id)s LIMIT 1

-- name: remove_user
UPDATE users SET removed_at = %(now)s WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: revoke_tokens
UPDATE api_tokens SET revoked_at = %(now)s WHERE user_id = %(user_id)s AND revoked_at IS NULL

-- name: list_users
SELECT user_id, role, district, created_at, totp_sealed IS NOT NULL AS second_factor,
       oidc_subject,
       ARRAY(SELECT household_id FROM user_households h
             WHERE h.user_id = u.user_id ORDER BY 1) AS households,
       (SELECT max(seen_at) FROM sessions s WHERE s.user_id = u.user_id) AS seen_at
FROM users u WHERE removed_at IS NULL ORDER BY user_id

-- name: find_user
SELECT user_id, role, district, password_argon2, totp_sealed, totp_step, oidc_subject,
       ARRAY(SELECT household_id FROM user_households h
             WHERE h.user_id = u.user_id ORDER BY 1) AS households
FROM users u WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: find_oidc_user
SELECT user_id, role, district,
       ARRAY(SELECT household_id FROM user_households h
             WHERE h.user_id = u.user_id ORDER BY 1) AS households
FROM users u WHERE oidc_subject = %(subject)s AND removed_at IS NULL

-- name: link_oidc
UPDATE users SET oidc_subject = %(subject)s
WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: change_role
UPDATE users SET role = %(role)s, district = %(district)s
WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: change_password
UPDATE users SET password_argon2 = %(password_argon2)s
WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: set_second_factor
UPDATE users SET totp_sealed = %(sealed)s, totp_step = %(step)s
WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: spend_totp_step
-- One code opens one door: of two at once only the first finds a step below its own.
UPDATE users SET totp_step = %(step)s
WHERE user_id = %(user_id)s AND removed_at IS NULL AND totp_step < %(step)s

-- name: forget_recovery_codes
DELETE FROM recovery_codes WHERE user_id = %(user_id)s

-- name: add_recovery_code
INSERT INTO recovery_codes (user_id, code_sha256) VALUES (%(user_id)s, %(code_sha256)s)

-- name: spend_recovery_code
UPDATE recovery_codes SET used_at = %(now)s
WHERE user_id = %(user_id)s AND code_sha256 = %(code_sha256)s AND used_at IS NULL

-- name: recovery_codes_left
SELECT count(*) AS n FROM recovery_codes WHERE user_id = %(user_id)s AND used_at IS NULL

-- name: lock
SELECT pg_advisory_xact_lock(%(key)s::bigint)

-- name: any_administrator
SELECT FROM users WHERE role = 'administrator' AND removed_at IS NULL LIMIT 1

-- name: other_administrator
SELECT FROM users
WHERE role = 'administrator' AND removed_at IS NULL AND user_id <> %(user_id)s LIMIT 1

-- name: issue_token
INSERT INTO api_tokens (token_sha256, user_id, created_at, expires_at)
SELECT %(token_sha256)s::bytea, user_id, %(now)s::timestamptz, %(expires_at)s::timestamptz
FROM users WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: find_token
SELECT u.user_id, u.role, u.district,
       ARRAY(SELECT household_id FROM user_households h
             WHERE h.user_id = u.user_id ORDER BY 1) AS households
FROM api_tokens t JOIN users u USING (user_id)
WHERE t.token_sha256 = %(token_sha256)s AND t.expires_at > %(now)s AND t.revoked_at IS NULL
  AND u.removed_at IS NULL

-- name: open_session
INSERT INTO sessions (session_sha256, user_id, opened_at, seen_at, until)
SELECT %(session_sha256)s::bytea, user_id, %(now)s::timestamptz, %(now)s::timestamptz,
       CASE WHEN role IN ('resident', 'guardian') THEN %(until_at_home)s ELSE %(until)s END
           ::timestamptz
FROM users WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: find_session
SELECT u.user_id, u.role, u.district, s.seen_at, s.until,
       ARRAY(SELECT household_id FROM user_households h
             WHERE h.user_id = u.user_id ORDER BY 1) AS households
FROM sessions s JOIN users u USING (user_id)
WHERE s.session_sha256 = %(session_sha256)s AND s.ended_at IS NULL AND s.until > %(now)s
  AND (s.seen_at > %(idle_since)s OR u.role IN ('resident', 'guardian')) AND u.removed_at IS NULL

-- name: prolong_session
UPDATE sessions s SET seen_at = %(now)s,
       until = CASE WHEN u.role IN ('resident', 'guardian') THEN %(until_at_home)s ELSE %(until)s
               END::timestamptz
FROM users u
WHERE s.session_sha256 = %(session_sha256)s AND s.user_id = %(user_id)s
  AND s.ended_at IS NULL AND s.until > %(now)s
  AND (s.seen_at > %(idle_since)s OR u.role IN ('resident', 'guardian'))
  AND u.user_id = s.user_id AND u.removed_at IS NULL

-- name: touch_session
UPDATE sessions SET seen_at = %(now)s WHERE session_sha256 = %(session_sha256)s

-- name: end_session
UPDATE sessions SET ended_at = %(now)s
WHERE session_sha256 = %(session_sha256)s AND ended_at IS NULL

-- name: end_sessions_of
UPDATE sessions SET ended_at = %(now)s WHERE user_id = %(user_id)s AND ended_at IS NULL

-- name: callers
-- Of those at home, the tokens and sessions that hold; staff cannot press SOS for a home.
SELECT c.sha256, c.expires_at, u.user_id, u.role, u.district,
       ARRAY(SELECT household_id FROM user_households h
             WHERE h.user_id = u.user_id ORDER BY 1) AS households
FROM (
    SELECT token_sha256 AS sha256, user_id, expires_at FROM api_tokens
    WHERE expires_at > %(now)s AND revoked_at IS NULL
    UNION ALL
    SELECT session_sha256, user_id, until FROM sessions
    WHERE until > %(now)s AND ended_at IS NULL
) c JOIN users u USING (user_id)
WHERE u.role IN ('resident', 'guardian') AND u.removed_at IS NULL
