# What happens to the apps, in order: everything works, much fails at once, each failure is mended when its alert has fired.
# shellcheck shell=bash disable=SC2034,SC2154

# app NAMESPACE NAME APPID [SPEC]: with the credential that the platform knows
app() {
    kubectl -n "$1" create secret generic "$2-credential" --from-literal=appSecret="secret-of-$3" > /dev/null
    kubectl -n "$1" apply -f - > /dev/null << EOT
apiVersion: miniprogram.dev/v1alpha1
kind: MiniProgram
metadata: {name: $2}
spec: {appID: $3, credentialRef: {name: $2-credential}${4:+, $4}}
EOT
}

# becomes_ready NAMESPACE NAME
becomes_ready() {
    kubectl -n "$1" wait "mp/$2" --for=condition=Ready --timeout=60s > /dev/null
}

shop=wx0000000000000001
soon=wx0000000000000002
rejected=wx0000000000000003
refused=wx0000000000000004
down=wx0000000000000006
signed=wx0000000000000008
crowd=({1000..1015})

all_is_well() {
    local each
    # Tokens of 200 s, asked after each 60 s: so a refresh can be overdue for the two minutes of the alert before its token ends.
    for each in shop soon; do
        platform PUT "/sim/apps/${!each}" "{\"secret\": \"secret-of-${!each}\", \"life_ms\": 200000}"
        app team-a "$each" "${!each}" 'refreshIntervalSeconds: 60'
        becomes_ready team-a "$each"
    done
    app shared both wx0000000000000007
    becomes_ready shared both
    await 30 'nothing to fire while all is well' at_rest
}

trouble_begins() {
    local each
    provokes MiniProgramRefreshOverdue 'namespace="team-a",name="shop"'
    provokes MiniProgramTokenExpired 'namespace="team-a",name="shop"'
    provokes MiniProgramTokenExpiringSoon 'namespace="team-a",name="soon"'
    for each in "$shop" "$soon"; do
        platform PUT "/sim/apps/$each/fault" '{"kind": "status", "status": 502}'
    done

    provokes MiniProgramCredentialInvalid 'namespace="team-a",name="rejected"'
    provokes MiniProgramStalled 'namespace="team-a",name="rejected"'
    platform PUT "/sim/apps/$rejected" '{"secret": "another"}'
    app team-a rejected "$rejected"

    provokes MiniProgramIPRefused 'platform="WeChat"'
    platform PUT "/sim/apps/$refused" "{\"secret\": \"secret-of-$refused\", \"allowed_ips\": [\"10.0.0.0/8\"], \"caller_ip\": \"203.0.113.7\"}"
    app team-a refused "$refused"

    provokes MiniProgramTargetConflict 'namespace="team-a",name="taken"'
    kubectl -n team-a create secret generic taken-token > /dev/null
    app team-a taken wx0000000000000005

    provokes MiniProgramNotReady 'namespace="team-a",name="down"'
    platform PUT "/sim/apps/$down/fault" '{"kind": "status", "status": 502}'
    app team-a down "$down"

    provokes MiniProgramTicketsNotFresh 'namespace="team-a",name="signed"'
    platform PUT "/sim/apps/$signed/fault" '{"kind": "code", "code": 48001, "on": "ticket"}'
    app team-a signed "$signed" 'tickets: [JsApi]'

    provokes MiniProgramCABundleUnusable
    : > "$work/ca.crt"

    # The platform hangs, and two calls at a time are not enough for so many.
    provokes MiniProgramOperatorStuck
    for each in "${crowd[@]}"; do
        platform PUT "/sim/apps/wx000000000000$each/fault" '{"kind": "hang"}'
        app crowd "app-$each" "wx000000000000$each"
    done
}

trouble_ends() {
    local each
    fires MiniProgramTargetConflict 60
    tells MiniProgramTargetConflict 'Conflict: Secret taken-token'
    mends MiniProgramTargetConflict
    kubectl -n team-a delete secret taken-token > /dev/null

    fires MiniProgramCredentialInvalid 60
    tells MiniProgramCredentialInvalid 'CredentialRejected: WeChat rejects the app secret in Secret rejected-credential'
    fires MiniProgramStalled 90
    tells MiniProgramStalled 'CredentialRejected: WeChat rejects the app secret'
    # Now that there is something of everything.
    every_query_answers
    mends MiniProgramCredentialInvalid
    mends MiniProgramStalled
    kubectl -n team-a create secret generic rejected-credential --from-literal=appSecret=another --dry-run=client -o yaml |
        kubectl apply -f - > /dev/null 2>&1

    fires MiniProgramCABundleUnusable 60
    mends MiniProgramCABundleUnusable
    hold_authority

    fires MiniProgramTokenExpiringSoon 120
    tells MiniProgramTokenExpiringSoon 'TokenFresh PlatformBusy'
    mends MiniProgramTokenExpiringSoon
    platform DELETE "/sim/apps/$soon/fault"

    fires MiniProgramTicketsNotFresh 120
    tells MiniProgramTicketsNotFresh 'TicketsFresh False BadResponse'
    mends MiniProgramTicketsNotFresh
    kubectl -n team-a patch mp signed --type merge --patch '{"spec": {"tickets": null}}' > /dev/null

    fires MiniProgramNotReady 120
    tells MiniProgramNotReady '"reason":"NoToken"'
    mends MiniProgramNotReady
    platform DELETE "/sim/apps/$down/fault"

    # It is asked again after a minute, and only the second refusal is more than the one before.
    fires MiniProgramIPRefused 150
    tells MiniProgramIPRefused "team-a/refused $refused 203.0.113.7"
    mends MiniProgramIPRefused
    platform PUT "/sim/apps/$refused" '{"allowed_ips": ["203.0.113.0/24"]}'

    fires MiniProgramOperatorStuck 180
    mends MiniProgramOperatorStuck
    for each in "${crowd[@]}"; do
        platform DELETE "/sim/apps/wx000000000000$each/fault"
    done
    ends MiniProgramOperatorStuck 90

    provokes MiniProgramForeignWrites
    await 60 'two releases to write one Secret' quarrel
    fires MiniProgramForeignWrites 30
    tells MiniProgramForeignWrites 'ForeignWrite'
    mends MiniProgramForeignWrites
    provokes MiniProgramOperatorAbsent
    stop mp-miniprogram-operator KILL
    fires MiniProgramOperatorAbsent 60
    mends MiniProgramOperatorAbsent
    # The API server refuses this selector: it leads, and sees no MiniProgram.
    provokes MiniProgramOperatorBlind
    start_operator mp-miniprogram-operator crowd --selector 'tier in gold'
    ends MiniProgramOperatorAbsent 60
    fires MiniProgramOperatorBlind 60
    mends MiniProgramOperatorBlind
    stop mp-miniprogram-operator TERM
    # With the namespaces that are its own.
    start_operator mp-miniprogram-operator crowd
    ends MiniProgramOperatorBlind 60
}

# Both releases make the Secret anew when it is gone; whoever is later finds the other's.
quarrel() {
    kubectl -n shared delete secret both-token --wait=false --ignore-not-found
    answers 'sum(miniprogram_foreign_writes_total) > 0'
}

the_token_runs_out() {
    fires MiniProgramRefreshOverdue 240
    tells MiniProgramRefreshOverdue 'TokenFresh False PlatformBusy'
    fires MiniProgramTokenExpired 60
    tells MiniProgramTokenExpired 'Ready False Expired'
    mends MiniProgramRefreshOverdue
    mends MiniProgramTokenExpired
    platform DELETE "/sim/apps/$shop/fault"
}

all_is_well_again() {
    await 120 'nothing to fire after all is mended' at_rest
    diff <(printf '%s\n' "${order[@]}" | sort) <(sed -n 's/^ *- alert: //p' "$work/rules.yaml" | sort) || fail 'each alert of the chart in this story'
    answers 'sum(prometheus_rule_evaluation_failures_total) == 0' || fail 'every rule to be evaluated'
    (($(moment min MiniProgramRefreshOverdue) < $(moment min MiniProgramTokenExpired))) ||
        fail 'the refresh to be called overdue before the token has expired'
}
