import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.SdkField;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.core.protocol.MarshallingType;
import software.amazon.awssdk.core.traits.ListTrait;
import software.amazon.awssdk.core.traits.MapTrait;
import software.amazon.awssdk.core.util.SdkAutoConstructList;
import software.amazon.awssdk.core.util.SdkAutoConstructMap;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;
import software.amazon.awssdk.utils.builder.Buildable;
import software.amazon.dax.ClusterDaxClient;
import software.amazon.dax.Configuration;

/**
 * Calls operations through amazon-dax-client 2 for Java, of the AWS SDK v2. Started as {@code ClientV2 URL}; commands and
 * outcomes are lines of JSON (../client-process.ts). Credentials are those of the environment.
 */
public final class ClientV2 implements Commands.Caller<DynamoDbClient> {
  private static final String MODEL = "software.amazon.awssdk.services.dynamodb.model.";
  /** The client's own is a second, and a JVM's first handshake may take longer on a busy machine. */
  private static final int PATIENCE_MILLIS = 10_000;

  public static void main(String[] arguments) throws Exception {
    Commands.serve(arguments[0], new ClientV2());
  }

  @Override
  public DynamoDbClient open(String url) throws Exception {
    return ClusterDaxClient.builder()
        .overrideConfiguration(
            Configuration.builder()
                .url(url)
                .connectTimeoutMillis(PATIENCE_MILLIS)
                .endpointRefreshTimeoutMillis(PATIENCE_MILLIS)
                .healthCheckTimeoutMillis(PATIENCE_MILLIS)
                .region(Region.US_EAST_1)
                .credentialsProvider(EnvironmentVariableCredentialsProvider.create())
                .build())
        .build();
  }

  @Override
  public JsonElement call(DynamoDbClient client, String operation, JsonObject parameters) throws Throwable {
    Class<?> requestClass = Class.forName(MODEL + operation + "Request");
    Object builder = requestClass.getMethod("builder").invoke(null);
    Object request = filled((SdkPojo) builder, parameters);
    return shown((SdkPojo) Commands.invoke(DynamoDbClient.class, client, operation, request));
  }

  private static Object filled(SdkPojo builder, JsonObject members) {
    Map<String, SdkField<?>> fields = new LinkedHashMap<>();
    for (SdkField<?> field : builder.sdkFields()) fields.put(field.locationName(), field);
    for (Map.Entry<String, JsonElement> member : members.entrySet()) {
      SdkField<?> field = fields.get(member.getKey());
      if (field == null) throw new IllegalArgumentException("no member " + member.getKey());
      field.set(builder, value(field, member.getValue()));
    }
    return ((Buildable) builder).build();
  }

  private static Object value(SdkField<?> field, JsonElement json) {
    if (json.isJsonNull()) return null;
    MarshallingType<?> type = field.marshallingType();
    if (type == MarshallingType.STRING) return json.getAsString();
    if (type == MarshallingType.INTEGER) return json.getAsInt();
    if (type == MarshallingType.LONG) return json.getAsLong();
    if (type == MarshallingType.DOUBLE) return json.getAsDouble();
    if (type == MarshallingType.BOOLEAN) return json.getAsBoolean();
    if (type == MarshallingType.SDK_BYTES) return SdkBytes.fromByteArray(Base64.getDecoder().decode(json.getAsString()));
    if (type == MarshallingType.SDK_POJO) return filled(field.constructor().get(), json.getAsJsonObject());
    if (type == MarshallingType.LIST) {
      SdkField<?> memberField = field.getTrait(ListTrait.class).memberFieldInfo();
      List<Object> list = new ArrayList<>();
      for (JsonElement each : json.getAsJsonArray()) list.add(value(memberField, each));
      return list;
    }
    if (type == MarshallingType.MAP) {
      SdkField<?> valueField = field.getTrait(MapTrait.class).valueFieldInfo();
      Map<String, Object> map = new LinkedHashMap<>();
      for (Map.Entry<String, JsonElement> each : json.getAsJsonObject().entrySet()) {
        map.put(each.getKey(), value(valueField, each.getValue()));
      }
      return map;
    }
    throw new IllegalArgumentException("a member of type " + type);
  }

  private static JsonElement shown(Object value) {
    if (value instanceof SdkPojo pojo) {
      JsonObject members = new JsonObject();
      for (SdkField<?> field : pojo.sdkFields()) {
        Object member = field.getValueOrDefault(pojo);
        boolean isAbsent = member == null || member instanceof SdkAutoConstructList || member instanceof SdkAutoConstructMap;
        if (!isAbsent) members.add(field.locationName(), shown(member));
      }
      return members;
    }
    if (value instanceof List<?> list) {
      JsonArray elements = new JsonArray();
      for (Object each : list) elements.add(shown(each));
      return elements;
    }
    if (value instanceof Map<?, ?> map) {
      JsonObject members = new JsonObject();
      for (Map.Entry<?, ?> each : map.entrySet()) members.add((String) each.getKey(), shown(each.getValue()));
      return members;
    }
    if (value instanceof SdkBytes bytes) return new JsonPrimitive(Base64.getEncoder().encodeToString(bytes.asByteArray()));
    if (value instanceof Number number) return new JsonPrimitive(number);
    if (value instanceof Boolean truth) return new JsonPrimitive(truth);
    return value == null ? JsonNull.INSTANCE : new JsonPrimitive(value.toString());
  }

  @Override
  public JsonObject failure(Throwable thrown) {
    JsonObject error = new JsonObject();
    String code = thrown.getClass().getSimpleName();
    String message = String.valueOf(thrown.getMessage());
    if (thrown instanceof AwsServiceException service) {
      error.addProperty("status", service.statusCode());
      if (service.awsErrorDetails() != null) {
        if (service.awsErrorDetails().errorCode() != null) code = service.awsErrorDetails().errorCode();
        if (service.awsErrorDetails().errorMessage() != null) message = service.awsErrorDetails().errorMessage();
      }
    }
    error.addProperty("code", code);
    error.addProperty("message", message);
    if (thrown instanceof TransactionCanceledException cancelled && cancelled.hasCancellationReasons()) {
      error.add("reasons", shown(cancelled.cancellationReasons()));
    }
    return error;
  }
}
