-- name: home_position
SELECT lat, lon FROM households WHERE household_id = %(household_id)s
