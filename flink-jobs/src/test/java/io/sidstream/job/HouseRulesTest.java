package io.sidstream.job;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.onlyDependOnClassesThat;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceRule;
import io.sidstream.schemas.WireFormat;
import org.apache.avro.specific.SpecificRecord;

/** Who may know whom in the job: records below, operators side by side, the wire at the edge. */
@AnalyzeClasses(packages = "io.sidstream.job", importOptions = ImportOption.DoNotIncludeTests.class)
class HouseRulesTest {
  private static final String JOB = "io.sidstream.job.";

  /** The packages of operators. */
  private static final String[] OPERATORS = {
    JOB + "ingest..",
    JOB + "embed..",
    JOB + "tokenize..",
    JOB + "resolve..",
    JOB + "publish..",
    JOB + "sequence..",
    JOB + "learn..",
    JOB + "versions..",
  };

  @ArchTest
  static final SliceRule NO_CYCLES =
      slices().matching("io.sidstream.(job..)").should().beFreeOfCycles();

  @ArchTest
  static final SliceRule NO_OPERATOR_KNOWS_ANOTHER =
      slices()
          .matching("io.sidstream.job.(*)..")
          .that(DescribedPredicate.describe("hold operators", s -> isOperators(s.getNamePart(1))))
          .should()
          .notDependOnEachOther();

  @ArchTest
  static final ArchRule RECORDS_KNOW_NOBODY =
      noClasses()
          .that()
          .resideInAPackage(JOB + "record..")
          .should()
          .dependOnClassesThat(
              resideInAPackage("io.sidstream.job..").and(not(resideInAPackage(JOB + "record.."))));

  /** It is for one thread, and the tasks of a process are many. */
  @ArchTest
  static final ArchRule NO_WIRE_FORMAT_IS_SHARED =
      noFields().that().areStatic().should().haveRawType(WireFormat.class);

  @ArchTest
  static final ArchRule OPERATORS_MAKE_NO_BYTES_FOR_TOPICS =
      noClasses()
          .that()
          .resideInAnyPackage(OPERATORS)
          .should()
          .callMethod(WireFormat.class, "encode", SpecificRecord.class)
          .orShould()
          .dependOnClassesThat(resideInAPackage("org.apache.kafka.."))
          .orShould()
          .dependOnClassesThat(resideInAPackage("org.apache.flink.connector.kafka.."));

  @ArchTest
  static final ArchRule ONLY_THE_JOB_KNOWS_OPERATORS =
      classes()
          .that()
          .resideInAnyPackage(JOB + "config..", JOB + "kafka..", JOB + "record..")
          .should(onlyDependOnClassesThat(not(resideInAnyPackage(OPERATORS))));

  private static boolean isOperators(String name) {
    for (String operators : OPERATORS) {
      if (operators.equals(JOB + name + "..")) {
        return true;
      }
    }
    return false;
  }

  private static DescribedPredicate<JavaClass> not(DescribedPredicate<JavaClass> predicate) {
    return DescribedPredicate.not(predicate);
  }
}
