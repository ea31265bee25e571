// New API keys, made at random. Deployed only when asked for: it replaces what is in the vault.

param vaultName string

@secure()
param appKey string = newGuid()

@secure()
param adminKey string = newGuid()

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource appKeys 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {
  parent: vault
  name: 'app-keys'
  properties: {
    contentType: 'One or two API keys, comma-separated'
    value: appKey
  }
}

resource adminKeys 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {
  parent: vault
  name: 'admin-keys'
  properties: {
    contentType: 'One or two API keys, comma-separated'
    value: adminKey
  }
}
