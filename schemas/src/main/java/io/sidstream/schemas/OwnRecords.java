package io.sidstream.schemas;

import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;

/**
 * Makes the records of this package. Avro looks a class up by its schema's name, and only in
 * packages that are trusted in the whole JVM: here the class is looked for beside this one, so that
 * nothing has to be trusted, and so that the package may be called otherwise (the client's jar has
 * it under a name of its own).
 */
final class OwnRecords extends SpecificData {
  private static final String NAMESPACE = ItemToken.getClassSchema().getNamespace();

  private static final ClassLoader LOADER = OwnRecords.class.getClassLoader();

  /** As Avro would read a record of the type: with its conversions. */
  OwnRecords(Class<?> type) {
    super(LOADER);
    SpecificData.getForClass(type).getConversions().forEach(this::addLogicalTypeConversion);
  }

  /**
   * The present schema of a record. Avro's own look-up gives it another name where the package has
   * one.
   */
  static Schema schema(Class<?> type) {
    try {
      return (Schema) type.getField("SCHEMA$").get(null);
    } catch (ReflectiveOperationException e) {
      throw new IllegalArgumentException(type + " is not a generated record", e);
    }
  }

  @Override
  @SuppressWarnings("rawtypes")
  public Class getClass(Schema schema) {
    boolean named =
        switch (schema.getType()) {
          case RECORD, ENUM, FIXED -> true;
          default -> false;
        };
    if (!named || !NAMESPACE.equals(schema.getNamespace())) {
      return super.getClass(schema);
    }
    try {
      return Class.forName(
          OwnRecords.class.getPackageName() + "." + schema.getName(), true, LOADER);
    } catch (ClassNotFoundException e) {
      // A record of a released schema that the present one does not have: it is skipped.
      return null;
    }
  }
}
