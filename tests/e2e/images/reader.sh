# A server that reads its files all the time: token and expiry together, some hundred times a second. Prints how often, and each
# pair when it changes: a digest of the token, and the expiry that lay beside it.
trap 'exit 0' TERM
reads=0 before=
while :; do
    burst=0
    while [ "$burst" -lt 50 ]; do
        burst=$((burst + 1)) token='' expires=''
        # One folder for both. A swap may take it away in between: then neither counts.
        cd -P /token/..data || continue
        read -r token < access_token || [ -n "$token" ] || continue
        read -r expires < expires_at || [ -n "$expires" ] || continue
        reads=$((reads + 1))
        if [ "$token $expires" != "$before" ]; then
            before="$token $expires"
            echo "pair $(printf %s "$token" | sha256sum | cut -c 1-16) $expires"
        fi
    done
    echo "reads $reads"
    sleep 0.1 &
    wait $!
done 2> /dev/null
