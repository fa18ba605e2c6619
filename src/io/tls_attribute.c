/* tls_attribute - the short names of what distinguished names are made of. */
#include "io/tls_attribute.h"

/* By the last number of the identifiers. */
static const char *const x520_names[] = {
    [3] = "CN",
    [4] = "SN",
    [5] = "serialNumber",
    [6] = "C",
    [7] = "L",
    [8] = "ST",
    [9] = "street",
    [10] = "O",
    [11] = "OU",
    [12] = "title",
    [13] = "description",
    [14] = "searchGuide",
    [15] = "businessCategory",
    [16] = "postalAddress",
    [17] = "postalCode",
    [18] = "postOfficeBox",
    [19] = "physicalDeliveryOfficeName",
    [20] = "telephoneNumber",
    [21] = "telexNumber",
    [22] = "teletexTerminalIdentifier",
    [23] = "facsimileTelephoneNumber",
    [24] = "x121Address",
    [25] = "internationaliSDNNumber",
    [26] = "registeredAddress",
    [27] = "destinationIndicator",
    [28] = "preferredDeliveryMethod",
    [29] = "presentationAddress",
    [30] = "supportedApplicationContext",
    [31] = "member",
    [32] = "owner",
    [33] = "roleOccupant",
    [34] = "seeAlso",
    [35] = "userPassword",
    [36] = "userCertificate",
    [37] = "cACertificate",
    [38] = "authorityRevocationList",
    [39] = "certificateRevocationList",
    [40] = "crossCertificatePair",
    [41] = "name",
    [42] = "GN",
    [43] = "initials",
    [44] = "generationQualifier",
    [45] = "x500UniqueIdentifier",
    [46] = "dnQualifier",
    [47] = "enhancedSearchGuide",
    [48] = "protocolInformation",
    [49] = "distinguishedName",
    [50] = "uniqueMember",
    [51] = "houseIdentifier",
    [52] = "supportedAlgorithms",
    [53] = "deltaRevocationList",
    [54] = "dmdName",
    [65] = "pseudonym",
    [72] = "role",
    [97] = "organizationIdentifier",
    [98] = "c3",
    [99] = "n3",
    [100] = "dnsName",
};

/* RFC 4524 and the pilot directory before it. */
static const char *const pilot_names[] = {
    [1] = "UID",
    [2] = "textEncodedORAddress",
    [3] = "mail",
    [4] = "info",
    [5] = "favouriteDrink",
    [6] = "roomNumber",
    [7] = "photo",
    [8] = "userClass",
    [9] = "host",
    [10] = "manager",
    [11] = "documentIdentifier",
    [12] = "documentTitle",
    [13] = "documentVersion",
    [14] = "documentAuthor",
    [15] = "documentLocation",
    [20] = "homeTelephoneNumber",
    [21] = "secretary",
    [22] = "otherMailbox",
    [23] = "lastModifiedTime",
    [24] = "lastModifiedBy",
    [25] = "DC",
    [26] = "aRecord",
    [27] = "pilotAttributeType27",
    [28] = "mXRecord",
    [29] = "nSRecord",
    [30] = "sOARecord",
    [31] = "cNAMERecord",
    [37] = "associatedDomain",
    [38] = "associatedName",
    [39] = "homePostalAddress",
    [40] = "personalTitle",
    [41] = "mobileTelephoneNumber",
    [42] = "pagerTelephoneNumber",
    [43] = "friendlyCountryName",
    [44] = "uid",
    [45] = "organizationalStatus",
    [46] = "janetMailbox",
    [47] = "mailPreferenceOption",
    [48] = "buildingName",
    [49] = "dSAQuality",
    [50] = "singleLevelQuality",
    [51] = "subtreeMinimumQuality",
    [52] = "subtreeMaximumQuality",
    [53] = "personalSignature",
    [54] = "dITRedirect",
    [55] = "audio",
    [56] = "documentPublisher",
};

static const char *const pkcs9_names[] = {
    [1] = "emailAddress",      [2] = "unstructuredName",    [3] = "contentType",
    [4] = "messageDigest",     [5] = "signingTime",         [6] = "countersignature",
    [7] = "challengePassword", [8] = "unstructuredAddress", [9] = "extendedCertificateAttributes",
    [14] = "extReq",           [15] = "SMIME-CAPS",         [16] = "SMIME",
    [20] = "friendlyName",     [21] = "localKeyID",
};

static const char *const jurisdiction_names[] = {
    [1] = "jurisdictionL",
    [2] = "jurisdictionST",
    [3] = "jurisdictionC",
};

static const struct {
    struct span prefix; /* of the identifier's DER */
    const char *const *names;
    size_t count;
} arcs[] = {
    {{"\x55\x04", 2}, x520_names, COUNT_OF(x520_names)},
    {{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01", 9}, pilot_names, COUNT_OF(pilot_names)},
    {{"\x2a\x86\x48\x86\xf7\x0d\x01\x09", 8}, pkcs9_names, COUNT_OF(pkcs9_names)},
    {{"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01", 10},
     jurisdiction_names,
     COUNT_OF(jurisdiction_names)},
};

const char *tls_attribute_name(struct span oid)
{
    for (size_t i = 0; i < COUNT_OF(arcs); i++) {
        struct span prefix = arcs[i].prefix;

        if (oid.len == prefix.len + 1 && span_starts_with(oid, prefix)) {
            unsigned char last = (unsigned char)oid.data[prefix.len];

            return last < arcs[i].count ? arcs[i].names[last] : NULL;
        }
    }
    return NULL;
}
