// A new key for readers, made at random. Deployed only when asked for: it replaces what is in the vault.

param vaultName string

@secure()
param readerKey string = newGuid()

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource readerKeys 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {
  parent: vault
  name: 'reader-keys'
  properties: {
    contentType: 'One or two API keys, comma-separated'
    value: readerKey
  }
}
