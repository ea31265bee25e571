// The event log: two event hubs with the same partitions; Entra tokens only.

param name string
param location string
param tags object

@allowed([
  'Basic'
  'Standard'
])
param sku string

param capacity int
param partitions int
param retentionHours int

@allowed([
  'Enabled'
  'Disabled'
])
param publicNetworkAccess string

var hubNames = [
  'interactions'
  'observations'
]
var ownGroup = 'trainer'
// Basic has no other consumer group than $Default.
var groupHubs = sku == 'Basic' ? [] : hubNames

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

resource hubs 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = [for hub in hubNames: {
  parent: namespace
  name: hub
  properties: {
    partitionCount: partitions
    retentionDescription: {
      cleanupPolicy: 'Delete'
      retentionTimeInHours: retentionHours
    }
  }
}]

resource groups 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = [for (hub, i) in groupHubs: {
  parent: hubs[i]
  name: ownGroup
  properties: {
    userMetadata: 'Reads ${hub} for the trainer.'
  }
}]

output id string = namespace.id
output name string = namespace.name
output host string = split(replace(replace(namespace.properties.serviceBusEndpoint, 'https:', ''), '/', ''), ':')[0]
output interactionsHub string = hubs[0].name
output observationsHub string = hubs[1].name
output consumerGroup string = sku == 'Basic' ? '$Default' : ownGroup
// Basic takes messages of 256 KB, Standard of 1 MB; the rest is for what surrounds an event.
output maxEventBytes int = sku == 'Basic' ? 250000 : 1040000
