#!/bin/sh
# Adds a new API key and retires the older of two: sh infra/rotate-keys.sh app-keys|admin-keys|reader-keys
# Both keys of the result work, so that clients have until the next rotation to change. Prints no key.
set -eu

name=${1:-}
case "$name" in
  app-keys | admin-keys | reader-keys) ;;
  *) echo "Say which: sh infra/rotate-keys.sh app-keys, admin-keys or reader-keys" >&2; exit 2 ;;
esac
for variable in AZURE_SUBSCRIPTION_ID AZURE_RESOURCE_GROUP AZURE_FUNCTION_NAME AZURE_KEY_VAULT_NAME; do
  eval "value=\${$variable:-}"
  [ -n "$value" ] || { echo "$variable is not set. With azd: set -a; eval \"\$(azd env get-values)\"; set +a" >&2; exit 2; }
done

held=""
known=1
if [ "$name" = reader-keys ]; then  # a vault that was made before there were readers has none yet
  known=$(az keyvault secret list --vault-name "$AZURE_KEY_VAULT_NAME" \
    --query "length([?name=='reader-keys'])" --output tsv)
fi
if [ "$known" != 0 ]; then
  held=$(az keyvault secret show --vault-name "$AZURE_KEY_VAULT_NAME" --name "$name" --query value --output tsv)
fi
new=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '%s%s' "$new" "${held:+,${held%%,*}}" |
  az keyvault secret set --vault-name "$AZURE_KEY_VAULT_NAME" --name "$name" --file /dev/stdin --encoding utf-8 --output none

site="/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$AZURE_RESOURCE_GROUP/providers/Microsoft.Web/sites/$AZURE_FUNCTION_NAME"
az rest --method post --url "$site/config/configreferences/appsettings/refresh?api-version=2022-03-01" --output none

echo "The first of $name is new, the second is the one that was newest before; any other has ended."
echo "Wait until the new one is accepted, then give it to your clients."
