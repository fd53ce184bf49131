/** What a table may be called. @see service model dynamodb 2012-08-10, TableName */
export const TABLE_NAME = /^[a-zA-Z0-9_.-]{3,255}$/;
