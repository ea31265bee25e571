// All role assignments, each as narrow as Azure has it, with the reason beside it.

param hostStorageName string
param dataStorageName string
param dataContainer string
param hubsName string
param interactionsHub string
param observationsHub string
param vaultName string
param insightsName string
param identityName string
param deployerPrincipalId string
param deployerPrincipalType string

var definitions = 'Microsoft.Authorization/roleDefinitions'
var roles = {
  eventHubsDataReceiver: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
  eventHubsDataSender: '2b629674-e913-4c01-ae53-ef4638d8f975'
  keyVaultSecretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
}

resource hostStorage 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: hostStorageName
}

resource dataStorage 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: dataStorageName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource container 'containers' existing = {
      name: dataContainer
    }
  }
}

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' existing = {
  name: hubsName

  resource interactions 'eventhubs' existing = {
    name: interactionsHub
  }

  resource observations 'eventhubs' existing = {
    name: observationsHub
  }
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// The app's assignments are named after its resource id: a preview does not know its principal.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

// The Functions host reads the package and keeps its timer's lease and state in containers that it makes itself.
resource hostOwnsItsBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, identity.id, roles.storageBlobDataOwner)
  scope: hostStorage
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataOwner)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// The app reads, writes, lists and deletes configuration, models, checkpoints and logs, in its one container.
resource appWritesData 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(dataStorage::blobs::container.id, identity.id, roles.storageBlobDataContributor)
  scope: dataStorage::blobs::container
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataContributor)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// Rank sends its decisions.
resource appSendsInteractions 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::interactions.id, identity.id, roles.eventHubsDataSender)
  scope: namespace::interactions
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataSender)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// Reward and Activate send what came of them.
resource appSendsObservations 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::observations.id, identity.id, roles.eventHubsDataSender)
  scope: namespace::observations
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataSender)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// The trainer joins decisions, and asks how far the partitions reach, which is asked of the event hub, not of a group.
resource appReadsInteractions 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::interactions.id, identity.id, roles.eventHubsDataReceiver)
  scope: namespace::interactions
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataReceiver)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// The trainer joins rewards and activations.
resource appReadsObservations 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::observations.id, identity.id, roles.eventHubsDataReceiver)
  scope: namespace::observations
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataReceiver)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// The platform resolves the app's settings with it. The vault holds nothing but what the app needs.
resource appReadsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identity.id, roles.keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.keyVaultSecretsUser)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// Application Insights takes telemetry with an Entra token only.
resource appPublishesTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, identity.id, roles.monitoringMetricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.monitoringMetricsPublisher)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// Who deploys looks up the API keys and rotates them.
resource deployerKeepsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerPrincipalId)) {
  name: guid(vault.id, deployerPrincipalId, roles.keyVaultSecretsOfficer)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.keyVaultSecretsOfficer)
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
  }
}

// Who deploys imports old logs and rebuilds models: `python -m migration` writes to the container.
resource deployerImportsData 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerPrincipalId)) {
  name: guid(dataStorage::blobs::container.id, deployerPrincipalId, roles.storageBlobDataContributor)
  scope: dataStorage::blobs::container
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataContributor)
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
  }
}
