// The event log: two event hubs with the same partitions; Entra tokens only.

param name string
param location string
param tags { *: string }

@allowed([
  'Basic'
  'Standard'
])
param sku string

param capacity int
param partitions int
param interactionsHub string
param observationsHub string
param consumerGroup string
param retentionHours int

@allowed([
  'Enabled'
  'Disabled'
])
param publicNetworkAccess string

var hubNames = [
  interactionsHub
  observationsHub
]
// Every event hub has $Default from the start.
var groupHubs = consumerGroup == '$Default' ? [] : hubNames

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    tier: sku
    capacity: capacity
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicNetworkAccess
  }
}

resource hubs 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = [
  for hub in hubNames: {
    parent: namespace
    name: hub
    properties: {
      partitionCount: partitions
      retentionDescription: {
        cleanupPolicy: 'Delete'
        retentionTimeInHours: retentionHours
      }
    }
  }
]

resource groups 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = [
  for (hub, i) in groupHubs: {
    parent: hubs[i]
    name: consumerGroup
    properties: {
      userMetadata: 'Reads ${hub} for the trainer.'
    }
  }
]

output host string = split(replace(replace(namespace.properties.serviceBusEndpoint, 'https:', ''), '/', ''), ':')[0]
